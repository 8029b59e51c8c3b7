package dev.heddle.cli.limits;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Loops that do one thing: read memory, or multiply and add in registers. Each returns something that depends on it. */
final class VectorLoops {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int CHAINS = 10; // two units, four cycles each, and some spare

    private VectorLoops() {}

    /** Returns the operations of {@link #multiply}. */
    static double operations(int rounds) {
        return 2.0 * CHAINS * FLOATS.length() * rounds;
    }

    /** Multiplies and adds in independent chains. */
    static float multiply(int rounds) {
        FloatVector factor = FloatVector.broadcast(FLOATS, 0.999f);
        FloatVector term = FloatVector.broadcast(FLOATS, 0.001f);
        FloatVector a = FloatVector.broadcast(FLOATS, 1);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        FloatVector e = a;
        FloatVector f = a;
        FloatVector g = a;
        FloatVector h = a;
        FloatVector i = a;
        FloatVector j = a;
        for (int round = 0; round < rounds; round++) {
            a = a.fma(factor, term);
            b = b.fma(factor, term);
            c = c.fma(factor, term);
            d = d.fma(factor, term);
            e = e.fma(factor, term);
            f = f.fma(factor, term);
            g = g.fma(factor, term);
            h = h.fma(factor, term);
            i = i.fma(factor, term);
            j = j.fma(factor, term);
        }
        return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j)
                .reduceLanes(VectorOperators.ADD);
    }

    /** Reads bytes from their beginning to their end; a multiple of four vectors. */
    static long readOne(MemorySegment memory, long from, long bytes) {
        int size = LONGS.vectorByteSize();
        return read(memory, from, size, 4L * size, bytes / (4L * size));
    }

    /** Reads bytes in four places at once, which some processors fetch faster; a multiple of four vectors. */
    static long readSeveral(MemorySegment memory, long from, long bytes) {
        int size = LONGS.vectorByteSize();
        return read(memory, from, bytes / 4, size, bytes / (4L * size));
    }

    private static long read(MemorySegment memory, long from, long apart, long step, long rounds) {
        LongVector a = LongVector.zero(LONGS);
        LongVector b = a;
        LongVector c = a;
        LongVector d = a;
        for (long round = 0, at = from; round < rounds; round++, at += step) {
            a = a.add(LongVector.fromMemorySegment(LONGS, memory, at, ORDER));
            b = b.add(LongVector.fromMemorySegment(LONGS, memory, at + apart, ORDER));
            c = c.add(LongVector.fromMemorySegment(LONGS, memory, at + 2 * apart, ORDER));
            d = d.add(LongVector.fromMemorySegment(LONGS, memory, at + 3 * apart, ORDER));
        }
        return a.add(b).add(c).add(d).reduceLanes(VectorOperators.ADD);
    }
}
