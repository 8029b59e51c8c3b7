package dev.heddle.backend.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** As {@link F32WideValues}, for blocks of two heads. */
final class F32WideTwoValues {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    private static final int LANES = 16;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private F32WideTwoValues() {}

    /** Two heads, 4 vectors of values. */
    static void two(MemorySegment v, long[] rows, long column, int slot, float[] p, int at, float[] acc,
            int to, int dim) {
        int r1 = to + dim;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * LANES);
        FloatVector b0 = FloatVector.fromArray(F, acc, r1);
        FloatVector b1 = FloatVector.fromArray(F, acc, r1 + LANES);
        FloatVector b2 = FloatVector.fromArray(F, acc, r1 + 2 * LANES);
        FloatVector b3 = FloatVector.fromArray(F, acc, r1 + 3 * LANES);
        long row = rows[slot] + column;
        FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
        FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
        FloatVector v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
        FloatVector v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
        FloatVector x = FloatVector.broadcast(F, p[at]);
        a0 = x.fma(v0, a0);
        a1 = x.fma(v1, a1);
        a2 = x.fma(v2, a2);
        a3 = x.fma(v3, a3);
        x = FloatVector.broadcast(F, p[at + 8]);
        b0 = x.fma(v0, b0);
        b1 = x.fma(v1, b1);
        b2 = x.fma(v2, b2);
        b3 = x.fma(v3, b3);
        row = rows[slot + 1] + column;
        v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
        v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
        v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
        v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
        x = FloatVector.broadcast(F, p[at + 1]);
        a0 = x.fma(v0, a0);
        a1 = x.fma(v1, a1);
        a2 = x.fma(v2, a2);
        a3 = x.fma(v3, a3);
        x = FloatVector.broadcast(F, p[at + 9]);
        b0 = x.fma(v0, b0);
        b1 = x.fma(v1, b1);
        b2 = x.fma(v2, b2);
        b3 = x.fma(v3, b3);
        row = rows[slot + 2] + column;
        v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
        v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
        v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
        v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
        x = FloatVector.broadcast(F, p[at + 2]);
        a0 = x.fma(v0, a0);
        a1 = x.fma(v1, a1);
        a2 = x.fma(v2, a2);
        a3 = x.fma(v3, a3);
        x = FloatVector.broadcast(F, p[at + 10]);
        b0 = x.fma(v0, b0);
        b1 = x.fma(v1, b1);
        b2 = x.fma(v2, b2);
        b3 = x.fma(v3, b3);
        row = rows[slot + 3] + column;
        v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
        v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
        v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
        v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
        x = FloatVector.broadcast(F, p[at + 3]);
        a0 = x.fma(v0, a0);
        a1 = x.fma(v1, a1);
        a2 = x.fma(v2, a2);
        a3 = x.fma(v3, a3);
        x = FloatVector.broadcast(F, p[at + 11]);
        b0 = x.fma(v0, b0);
        b1 = x.fma(v1, b1);
        b2 = x.fma(v2, b2);
        b3 = x.fma(v3, b3);
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        a2.intoArray(acc, to + 2 * LANES);
        a3.intoArray(acc, to + 3 * LANES);
        b0.intoArray(acc, r1);
        b1.intoArray(acc, r1 + LANES);
        b2.intoArray(acc, r1 + 2 * LANES);
        b3.intoArray(acc, r1 + 3 * LANES);
    }
}
