package dev.heddle.backend.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * q·k of one to four heads with rows of f32 keys in 256-bit vectors: 8 accumulators, heads × tokens,
 * whose lanes are added up together in pairs, so that lane i of the result belongs to accumulator i.
 */
final class F32NarrowScores {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_256;
    private static final int LANES = 8;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final VectorShuffle<Float> SWAP_4 = Lanes.swap(F, 4);
    private static final VectorShuffle<Float> SWAP_2 = Lanes.swap(F, 2);
    private static final VectorShuffle<Float> SWAP_1 = Lanes.swap(F, 1);
    private static final VectorMask<Float> UPPER_4 = Lanes.upper(F, 4);
    private static final VectorMask<Float> UPPER_2 = Lanes.upper(F, 2);
    private static final VectorMask<Float> UPPER_1 = Lanes.upper(F, 1);

    // Read from an array, the step is no constant to the compiler and the loop no counted one: it keeps the
    // range check of each load. Moving them out of a loop of a few rounds costs more than the loop.
    private static final int[] STEP = {LANES};

    private F32NarrowScores() {}

    /** Four heads, 2 tokens. */
    static void four(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            float[] scores, int to) {
        long t0 = rows[slot] + head;
        long t1 = rows[slot + 1] + head;
        int q1 = at + dim;
        int q2 = q1 + dim;
        int q3 = q2 + dim;
        FloatVector zero = FloatVector.zero(F);
        FloatVector s0 = zero;
        FloatVector s1 = zero;
        FloatVector s2 = zero;
        FloatVector s3 = zero;
        FloatVector s4 = zero;
        FloatVector s5 = zero;
        FloatVector s6 = zero;
        FloatVector s7 = zero;
        int step = STEP[0];
        for (int d = 0; d < dim; d += step) {
            FloatVector k0 = FloatVector.fromMemorySegment(F, k, t0 + 4L * d, ORDER);
            FloatVector k1 = FloatVector.fromMemorySegment(F, k, t1 + 4L * d, ORDER);
            FloatVector x = FloatVector.fromArray(F, q, at + d);
            s0 = x.fma(k0, s0);
            s1 = x.fma(k1, s1);
            x = FloatVector.fromArray(F, q, q1 + d);
            s2 = x.fma(k0, s2);
            s3 = x.fma(k1, s3);
            x = FloatVector.fromArray(F, q, q2 + d);
            s4 = x.fma(k0, s4);
            s5 = x.fma(k1, s5);
            x = FloatVector.fromArray(F, q, q3 + d);
            s6 = x.fma(k0, s6);
            s7 = x.fma(k1, s7);
        }
        s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
        s2 = s2.blend(s6, UPPER_4).add(s6.blend(s2, UPPER_4).rearrange(SWAP_4));
        s3 = s3.blend(s7, UPPER_4).add(s7.blend(s3, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
        s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
        s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                .intoArray(scores, to);
    }

    /** Three heads, 2 tokens. */
    static void three(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            float[] scores, int to) {
        long t0 = rows[slot] + head;
        long t1 = rows[slot + 1] + head;
        int q1 = at + dim;
        int q2 = q1 + dim;
        FloatVector zero = FloatVector.zero(F);
        FloatVector s0 = zero;
        FloatVector s1 = zero;
        FloatVector s2 = zero;
        FloatVector s3 = zero;
        FloatVector s4 = zero;
        FloatVector s5 = zero;
        int step = STEP[0];
        for (int d = 0; d < dim; d += step) {
            FloatVector k0 = FloatVector.fromMemorySegment(F, k, t0 + 4L * d, ORDER);
            FloatVector k1 = FloatVector.fromMemorySegment(F, k, t1 + 4L * d, ORDER);
            FloatVector x = FloatVector.fromArray(F, q, at + d);
            s0 = x.fma(k0, s0);
            s1 = x.fma(k1, s1);
            x = FloatVector.fromArray(F, q, q1 + d);
            s2 = x.fma(k0, s2);
            s3 = x.fma(k1, s3);
            x = FloatVector.fromArray(F, q, q2 + d);
            s4 = x.fma(k0, s4);
            s5 = x.fma(k1, s5);
        }
        s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
        s2 = s2.blend(zero, UPPER_4).add(zero.blend(s2, UPPER_4).rearrange(SWAP_4));
        s3 = s3.blend(zero, UPPER_4).add(zero.blend(s3, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
        s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
        s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                .intoArray(scores, to);
    }

    /** Two heads, 4 tokens. */
    static void two(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            float[] scores, int to) {
        long t0 = rows[slot] + head;
        long t1 = rows[slot + 1] + head;
        long t2 = rows[slot + 2] + head;
        long t3 = rows[slot + 3] + head;
        int q1 = at + dim;
        FloatVector zero = FloatVector.zero(F);
        FloatVector s0 = zero;
        FloatVector s1 = zero;
        FloatVector s2 = zero;
        FloatVector s3 = zero;
        FloatVector s4 = zero;
        FloatVector s5 = zero;
        FloatVector s6 = zero;
        FloatVector s7 = zero;
        int step = STEP[0];
        for (int d = 0; d < dim; d += step) {
            FloatVector k0 = FloatVector.fromMemorySegment(F, k, t0 + 4L * d, ORDER);
            FloatVector k1 = FloatVector.fromMemorySegment(F, k, t1 + 4L * d, ORDER);
            FloatVector k2 = FloatVector.fromMemorySegment(F, k, t2 + 4L * d, ORDER);
            FloatVector k3 = FloatVector.fromMemorySegment(F, k, t3 + 4L * d, ORDER);
            FloatVector x = FloatVector.fromArray(F, q, at + d);
            s0 = x.fma(k0, s0);
            s1 = x.fma(k1, s1);
            s2 = x.fma(k2, s2);
            s3 = x.fma(k3, s3);
            x = FloatVector.fromArray(F, q, q1 + d);
            s4 = x.fma(k0, s4);
            s5 = x.fma(k1, s5);
            s6 = x.fma(k2, s6);
            s7 = x.fma(k3, s7);
        }
        s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
        s2 = s2.blend(s6, UPPER_4).add(s6.blend(s2, UPPER_4).rearrange(SWAP_4));
        s3 = s3.blend(s7, UPPER_4).add(s7.blend(s3, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
        s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
        s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                .intoArray(scores, to);
    }

    /** One head, 8 tokens. */
    static void one(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            float[] scores, int to) {
        long t0 = rows[slot] + head;
        long t1 = rows[slot + 1] + head;
        long t2 = rows[slot + 2] + head;
        long t3 = rows[slot + 3] + head;
        long t4 = rows[slot + 4] + head;
        long t5 = rows[slot + 5] + head;
        long t6 = rows[slot + 6] + head;
        long t7 = rows[slot + 7] + head;
        FloatVector zero = FloatVector.zero(F);
        FloatVector s0 = zero;
        FloatVector s1 = zero;
        FloatVector s2 = zero;
        FloatVector s3 = zero;
        FloatVector s4 = zero;
        FloatVector s5 = zero;
        FloatVector s6 = zero;
        FloatVector s7 = zero;
        int step = STEP[0];
        for (int d = 0; d < dim; d += step) {
            FloatVector k0 = FloatVector.fromMemorySegment(F, k, t0 + 4L * d, ORDER);
            FloatVector k1 = FloatVector.fromMemorySegment(F, k, t1 + 4L * d, ORDER);
            FloatVector k2 = FloatVector.fromMemorySegment(F, k, t2 + 4L * d, ORDER);
            FloatVector k3 = FloatVector.fromMemorySegment(F, k, t3 + 4L * d, ORDER);
            FloatVector k4 = FloatVector.fromMemorySegment(F, k, t4 + 4L * d, ORDER);
            FloatVector k5 = FloatVector.fromMemorySegment(F, k, t5 + 4L * d, ORDER);
            FloatVector k6 = FloatVector.fromMemorySegment(F, k, t6 + 4L * d, ORDER);
            FloatVector k7 = FloatVector.fromMemorySegment(F, k, t7 + 4L * d, ORDER);
            FloatVector x = FloatVector.fromArray(F, q, at + d);
            s0 = x.fma(k0, s0);
            s1 = x.fma(k1, s1);
            s2 = x.fma(k2, s2);
            s3 = x.fma(k3, s3);
            s4 = x.fma(k4, s4);
            s5 = x.fma(k5, s5);
            s6 = x.fma(k6, s6);
            s7 = x.fma(k7, s7);
        }
        s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
        s2 = s2.blend(s6, UPPER_4).add(s6.blend(s2, UPPER_4).rearrange(SWAP_4));
        s3 = s3.blend(s7, UPPER_4).add(s7.blend(s3, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
        s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
        s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                .intoArray(scores, to);
    }
}
