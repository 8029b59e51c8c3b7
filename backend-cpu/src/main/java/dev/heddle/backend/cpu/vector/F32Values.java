package dev.heddle.backend.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Adds p·v of a tile's tokens to the accumulator rows of one to four heads, some vectors of f32 values at a
 * time: as many accumulators as registers hold, each value read once for all heads.
 */
final class F32Values {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int LANES = F.length();
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int[] STEP = {1}; // no constant to the compiler: see the loops over keys

    private F32Values() {}

    static void fourByFour(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        int r1 = to + dim;
        int r2 = r1 + dim;
        int r3 = r2 + dim;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * LANES);
        FloatVector b0 = FloatVector.fromArray(F, acc, r1);
        FloatVector b1 = FloatVector.fromArray(F, acc, r1 + LANES);
        FloatVector b2 = FloatVector.fromArray(F, acc, r1 + 2 * LANES);
        FloatVector b3 = FloatVector.fromArray(F, acc, r1 + 3 * LANES);
        FloatVector c0 = FloatVector.fromArray(F, acc, r2);
        FloatVector c1 = FloatVector.fromArray(F, acc, r2 + LANES);
        FloatVector c2 = FloatVector.fromArray(F, acc, r2 + 2 * LANES);
        FloatVector c3 = FloatVector.fromArray(F, acc, r2 + 3 * LANES);
        FloatVector d0 = FloatVector.fromArray(F, acc, r3);
        FloatVector d1 = FloatVector.fromArray(F, acc, r3 + LANES);
        FloatVector d2 = FloatVector.fromArray(F, acc, r3 + 2 * LANES);
        FloatVector d3 = FloatVector.fromArray(F, acc, r3 + 3 * LANES);
        int together = LANES / 4;
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + (t & -together) * 4 + (t & together - 1);
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
            FloatVector v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
            a2 = x.fma(v2, a2);
            a3 = x.fma(v3, a3);
            x = FloatVector.broadcast(F, p[weight + together]);
            b0 = x.fma(v0, b0);
            b1 = x.fma(v1, b1);
            b2 = x.fma(v2, b2);
            b3 = x.fma(v3, b3);
            x = FloatVector.broadcast(F, p[weight + 2 * together]);
            c0 = x.fma(v0, c0);
            c1 = x.fma(v1, c1);
            c2 = x.fma(v2, c2);
            c3 = x.fma(v3, c3);
            x = FloatVector.broadcast(F, p[weight + 3 * together]);
            d0 = x.fma(v0, d0);
            d1 = x.fma(v1, d1);
            d2 = x.fma(v2, d2);
            d3 = x.fma(v3, d3);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        a2.intoArray(acc, to + 2 * LANES);
        a3.intoArray(acc, to + 3 * LANES);
        b0.intoArray(acc, r1);
        b1.intoArray(acc, r1 + LANES);
        b2.intoArray(acc, r1 + 2 * LANES);
        b3.intoArray(acc, r1 + 3 * LANES);
        c0.intoArray(acc, r2);
        c1.intoArray(acc, r2 + LANES);
        c2.intoArray(acc, r2 + 2 * LANES);
        c3.intoArray(acc, r2 + 3 * LANES);
        d0.intoArray(acc, r3);
        d1.intoArray(acc, r3 + LANES);
        d2.intoArray(acc, r3 + 2 * LANES);
        d3.intoArray(acc, r3 + 3 * LANES);
    }

    static void fourByTwo(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        int r1 = to + dim;
        int r2 = r1 + dim;
        int r3 = r2 + dim;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector b0 = FloatVector.fromArray(F, acc, r1);
        FloatVector b1 = FloatVector.fromArray(F, acc, r1 + LANES);
        FloatVector c0 = FloatVector.fromArray(F, acc, r2);
        FloatVector c1 = FloatVector.fromArray(F, acc, r2 + LANES);
        FloatVector d0 = FloatVector.fromArray(F, acc, r3);
        FloatVector d1 = FloatVector.fromArray(F, acc, r3 + LANES);
        int together = LANES / 4;
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + (t & -together) * 4 + (t & together - 1);
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
            x = FloatVector.broadcast(F, p[weight + together]);
            b0 = x.fma(v0, b0);
            b1 = x.fma(v1, b1);
            x = FloatVector.broadcast(F, p[weight + 2 * together]);
            c0 = x.fma(v0, c0);
            c1 = x.fma(v1, c1);
            x = FloatVector.broadcast(F, p[weight + 3 * together]);
            d0 = x.fma(v0, d0);
            d1 = x.fma(v1, d1);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        b0.intoArray(acc, r1);
        b1.intoArray(acc, r1 + LANES);
        c0.intoArray(acc, r2);
        c1.intoArray(acc, r2 + LANES);
        d0.intoArray(acc, r3);
        d1.intoArray(acc, r3 + LANES);
    }

    static void threeByFour(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        int r1 = to + dim;
        int r2 = r1 + dim;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * LANES);
        FloatVector b0 = FloatVector.fromArray(F, acc, r1);
        FloatVector b1 = FloatVector.fromArray(F, acc, r1 + LANES);
        FloatVector b2 = FloatVector.fromArray(F, acc, r1 + 2 * LANES);
        FloatVector b3 = FloatVector.fromArray(F, acc, r1 + 3 * LANES);
        FloatVector c0 = FloatVector.fromArray(F, acc, r2);
        FloatVector c1 = FloatVector.fromArray(F, acc, r2 + LANES);
        FloatVector c2 = FloatVector.fromArray(F, acc, r2 + 2 * LANES);
        FloatVector c3 = FloatVector.fromArray(F, acc, r2 + 3 * LANES);
        int together = LANES / 4;
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + (t & -together) * 4 + (t & together - 1);
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
            FloatVector v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
            a2 = x.fma(v2, a2);
            a3 = x.fma(v3, a3);
            x = FloatVector.broadcast(F, p[weight + together]);
            b0 = x.fma(v0, b0);
            b1 = x.fma(v1, b1);
            b2 = x.fma(v2, b2);
            b3 = x.fma(v3, b3);
            x = FloatVector.broadcast(F, p[weight + 2 * together]);
            c0 = x.fma(v0, c0);
            c1 = x.fma(v1, c1);
            c2 = x.fma(v2, c2);
            c3 = x.fma(v3, c3);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        a2.intoArray(acc, to + 2 * LANES);
        a3.intoArray(acc, to + 3 * LANES);
        b0.intoArray(acc, r1);
        b1.intoArray(acc, r1 + LANES);
        b2.intoArray(acc, r1 + 2 * LANES);
        b3.intoArray(acc, r1 + 3 * LANES);
        c0.intoArray(acc, r2);
        c1.intoArray(acc, r2 + LANES);
        c2.intoArray(acc, r2 + 2 * LANES);
        c3.intoArray(acc, r2 + 3 * LANES);
    }

    static void threeByTwo(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        int r1 = to + dim;
        int r2 = r1 + dim;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector b0 = FloatVector.fromArray(F, acc, r1);
        FloatVector b1 = FloatVector.fromArray(F, acc, r1 + LANES);
        FloatVector c0 = FloatVector.fromArray(F, acc, r2);
        FloatVector c1 = FloatVector.fromArray(F, acc, r2 + LANES);
        int together = LANES / 4;
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + (t & -together) * 4 + (t & together - 1);
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
            x = FloatVector.broadcast(F, p[weight + together]);
            b0 = x.fma(v0, b0);
            b1 = x.fma(v1, b1);
            x = FloatVector.broadcast(F, p[weight + 2 * together]);
            c0 = x.fma(v0, c0);
            c1 = x.fma(v1, c1);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        b0.intoArray(acc, r1);
        b1.intoArray(acc, r1 + LANES);
        c0.intoArray(acc, r2);
        c1.intoArray(acc, r2 + LANES);
    }

    static void twoByFour(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        int r1 = to + dim;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * LANES);
        FloatVector b0 = FloatVector.fromArray(F, acc, r1);
        FloatVector b1 = FloatVector.fromArray(F, acc, r1 + LANES);
        FloatVector b2 = FloatVector.fromArray(F, acc, r1 + 2 * LANES);
        FloatVector b3 = FloatVector.fromArray(F, acc, r1 + 3 * LANES);
        int together = LANES / 2;
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + (t & -together) * 2 + (t & together - 1);
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
            FloatVector v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
            a2 = x.fma(v2, a2);
            a3 = x.fma(v3, a3);
            x = FloatVector.broadcast(F, p[weight + together]);
            b0 = x.fma(v0, b0);
            b1 = x.fma(v1, b1);
            b2 = x.fma(v2, b2);
            b3 = x.fma(v3, b3);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        a2.intoArray(acc, to + 2 * LANES);
        a3.intoArray(acc, to + 3 * LANES);
        b0.intoArray(acc, r1);
        b1.intoArray(acc, r1 + LANES);
        b2.intoArray(acc, r1 + 2 * LANES);
        b3.intoArray(acc, r1 + 3 * LANES);
    }

    static void twoByTwo(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        int r1 = to + dim;
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector b0 = FloatVector.fromArray(F, acc, r1);
        FloatVector b1 = FloatVector.fromArray(F, acc, r1 + LANES);
        int together = LANES / 2;
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + (t & -together) * 2 + (t & together - 1);
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
            x = FloatVector.broadcast(F, p[weight + together]);
            b0 = x.fma(v0, b0);
            b1 = x.fma(v1, b1);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        b0.intoArray(acc, r1);
        b1.intoArray(acc, r1 + LANES);
    }

    static void oneByEight(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        FloatVector a2 = FloatVector.fromArray(F, acc, to + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, acc, to + 3 * LANES);
        FloatVector a4 = FloatVector.fromArray(F, acc, to + 4 * LANES);
        FloatVector a5 = FloatVector.fromArray(F, acc, to + 5 * LANES);
        FloatVector a6 = FloatVector.fromArray(F, acc, to + 6 * LANES);
        FloatVector a7 = FloatVector.fromArray(F, acc, to + 7 * LANES);
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + t;
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector v2 = FloatVector.fromMemorySegment(F, v, row + 8 * LANES, ORDER);
            FloatVector v3 = FloatVector.fromMemorySegment(F, v, row + 12 * LANES, ORDER);
            FloatVector v4 = FloatVector.fromMemorySegment(F, v, row + 16 * LANES, ORDER);
            FloatVector v5 = FloatVector.fromMemorySegment(F, v, row + 20 * LANES, ORDER);
            FloatVector v6 = FloatVector.fromMemorySegment(F, v, row + 24 * LANES, ORDER);
            FloatVector v7 = FloatVector.fromMemorySegment(F, v, row + 28 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
            a2 = x.fma(v2, a2);
            a3 = x.fma(v3, a3);
            a4 = x.fma(v4, a4);
            a5 = x.fma(v5, a5);
            a6 = x.fma(v6, a6);
            a7 = x.fma(v7, a7);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
        a2.intoArray(acc, to + 2 * LANES);
        a3.intoArray(acc, to + 3 * LANES);
        a4.intoArray(acc, to + 4 * LANES);
        a5.intoArray(acc, to + 5 * LANES);
        a6.intoArray(acc, to + 6 * LANES);
        a7.intoArray(acc, to + 7 * LANES);
    }

    static void oneByTwo(MemorySegment v, long[] rows, long column, int from, int end, float[] p, int at,
            float[] acc, int to, int dim) {
        FloatVector a0 = FloatVector.fromArray(F, acc, to);
        FloatVector a1 = FloatVector.fromArray(F, acc, to + LANES);
        int step = STEP[0];
        for (int t = from; t < end; t += step) {
            long row = rows[t] + column;
            int weight = at + t;
            FloatVector v0 = FloatVector.fromMemorySegment(F, v, row, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(F, v, row + 4 * LANES, ORDER);
            FloatVector x = FloatVector.broadcast(F, p[weight]);
            a0 = x.fma(v0, a0);
            a1 = x.fma(v1, a1);
        }
        a0.intoArray(acc, to);
        a1.intoArray(acc, to + LANES);
    }
}
