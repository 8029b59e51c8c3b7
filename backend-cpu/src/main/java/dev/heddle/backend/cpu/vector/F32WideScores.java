package dev.heddle.backend.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * q·k of one to four heads with rows of f32 keys in 512-bit vectors: up to 16 accumulators, heads × tokens,
 * whose lanes are added up together in pairs, so that lane i of the result belongs to accumulator i.
 */
final class F32WideScores {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    private static final int LANES = 16;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final VectorShuffle<Float> SWAP_8 = Lanes.swap(F, 8);
    private static final VectorShuffle<Float> SWAP_4 = Lanes.swap(F, 4);
    private static final VectorShuffle<Float> SWAP_2 = Lanes.swap(F, 2);
    private static final VectorShuffle<Float> SWAP_1 = Lanes.swap(F, 1);
    private static final VectorShuffle<Float> EVEN = VectorShuffle.fromOp(F, lane -> 2 * lane % LANES);
    private static final VectorMask<Float> UPPER_8 = Lanes.upper(F, 8);
    private static final VectorMask<Float> UPPER_4 = Lanes.upper(F, 4);
    private static final VectorMask<Float> UPPER_2 = Lanes.upper(F, 2);
    private static final VectorMask<Float> UPPER_1 = Lanes.upper(F, 1);

    // Read from an array, the step is no constant to the compiler and the loop no counted one: it keeps the
    // range check of each load. Moving them out of a loop of a few rounds costs more than the loop.
    private static final int[] STEP = {LANES};

    private F32WideScores() {}

    /** Four heads, 4 tokens. */
    static void four(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            float[] scores, int to) {
        long t0 = rows[slot] + head;
        long t1 = rows[slot + 1] + head;
        long t2 = rows[slot + 2] + head;
        long t3 = rows[slot + 3] + head;
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
        FloatVector s8 = zero;
        FloatVector s9 = zero;
        FloatVector s10 = zero;
        FloatVector s11 = zero;
        FloatVector s12 = zero;
        FloatVector s13 = zero;
        FloatVector s14 = zero;
        FloatVector s15 = zero;
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
            x = FloatVector.fromArray(F, q, q2 + d);
            s8 = x.fma(k0, s8);
            s9 = x.fma(k1, s9);
            s10 = x.fma(k2, s10);
            s11 = x.fma(k3, s11);
            x = FloatVector.fromArray(F, q, q3 + d);
            s12 = x.fma(k0, s12);
            s13 = x.fma(k1, s13);
            s14 = x.fma(k2, s14);
            s15 = x.fma(k3, s15);
        }
        s0 = s0.blend(s8, UPPER_8).add(s8.blend(s0, UPPER_8).rearrange(SWAP_8));
        s1 = s1.blend(s9, UPPER_8).add(s9.blend(s1, UPPER_8).rearrange(SWAP_8));
        s2 = s2.blend(s10, UPPER_8).add(s10.blend(s2, UPPER_8).rearrange(SWAP_8));
        s3 = s3.blend(s11, UPPER_8).add(s11.blend(s3, UPPER_8).rearrange(SWAP_8));
        s4 = s4.blend(s12, UPPER_8).add(s12.blend(s4, UPPER_8).rearrange(SWAP_8));
        s5 = s5.blend(s13, UPPER_8).add(s13.blend(s5, UPPER_8).rearrange(SWAP_8));
        s6 = s6.blend(s14, UPPER_8).add(s14.blend(s6, UPPER_8).rearrange(SWAP_8));
        s7 = s7.blend(s15, UPPER_8).add(s15.blend(s7, UPPER_8).rearrange(SWAP_8));
        s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
        s2 = s2.blend(s6, UPPER_4).add(s6.blend(s2, UPPER_4).rearrange(SWAP_4));
        s3 = s3.blend(s7, UPPER_4).add(s7.blend(s3, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
        s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
        s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                .intoArray(scores, to);
    }

    /** Three heads, 4 tokens. */
    static void three(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            float[] scores, int to) {
        long t0 = rows[slot] + head;
        long t1 = rows[slot + 1] + head;
        long t2 = rows[slot + 2] + head;
        long t3 = rows[slot + 3] + head;
        int q1 = at + dim;
        int q2 = q1 + dim;
        FloatVector zero = FloatVector.zero(F);
        FloatVector s0 = zero;
        FloatVector s1 = zero;
        FloatVector s2 = zero;
        FloatVector s3 = zero;
        FloatVector s4 = zero;
        FloatVector s5 = zero;
        FloatVector s6 = zero;
        FloatVector s7 = zero;
        FloatVector s8 = zero;
        FloatVector s9 = zero;
        FloatVector s10 = zero;
        FloatVector s11 = zero;
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
            x = FloatVector.fromArray(F, q, q2 + d);
            s8 = x.fma(k0, s8);
            s9 = x.fma(k1, s9);
            s10 = x.fma(k2, s10);
            s11 = x.fma(k3, s11);
        }
        s0 = s0.blend(s8, UPPER_8).add(s8.blend(s0, UPPER_8).rearrange(SWAP_8));
        s1 = s1.blend(s9, UPPER_8).add(s9.blend(s1, UPPER_8).rearrange(SWAP_8));
        s2 = s2.blend(s10, UPPER_8).add(s10.blend(s2, UPPER_8).rearrange(SWAP_8));
        s3 = s3.blend(s11, UPPER_8).add(s11.blend(s3, UPPER_8).rearrange(SWAP_8));
        s4 = s4.blend(zero, UPPER_8).add(zero.blend(s4, UPPER_8).rearrange(SWAP_8));
        s5 = s5.blend(zero, UPPER_8).add(zero.blend(s5, UPPER_8).rearrange(SWAP_8));
        s6 = s6.blend(zero, UPPER_8).add(zero.blend(s6, UPPER_8).rearrange(SWAP_8));
        s7 = s7.blend(zero, UPPER_8).add(zero.blend(s7, UPPER_8).rearrange(SWAP_8));
        s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
        s2 = s2.blend(s6, UPPER_4).add(s6.blend(s2, UPPER_4).rearrange(SWAP_4));
        s3 = s3.blend(s7, UPPER_4).add(s7.blend(s3, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
        s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
        s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                .intoArray(scores, to);
    }

    /** Two heads, 8 tokens. */
    static void two(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            float[] scores, int to) {
        long t0 = rows[slot] + head;
        long t1 = rows[slot + 1] + head;
        long t2 = rows[slot + 2] + head;
        long t3 = rows[slot + 3] + head;
        long t4 = rows[slot + 4] + head;
        long t5 = rows[slot + 5] + head;
        long t6 = rows[slot + 6] + head;
        long t7 = rows[slot + 7] + head;
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
        FloatVector s8 = zero;
        FloatVector s9 = zero;
        FloatVector s10 = zero;
        FloatVector s11 = zero;
        FloatVector s12 = zero;
        FloatVector s13 = zero;
        FloatVector s14 = zero;
        FloatVector s15 = zero;
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
            x = FloatVector.fromArray(F, q, q1 + d);
            s8 = x.fma(k0, s8);
            s9 = x.fma(k1, s9);
            s10 = x.fma(k2, s10);
            s11 = x.fma(k3, s11);
            s12 = x.fma(k4, s12);
            s13 = x.fma(k5, s13);
            s14 = x.fma(k6, s14);
            s15 = x.fma(k7, s15);
        }
        s0 = s0.blend(s8, UPPER_8).add(s8.blend(s0, UPPER_8).rearrange(SWAP_8));
        s1 = s1.blend(s9, UPPER_8).add(s9.blend(s1, UPPER_8).rearrange(SWAP_8));
        s2 = s2.blend(s10, UPPER_8).add(s10.blend(s2, UPPER_8).rearrange(SWAP_8));
        s3 = s3.blend(s11, UPPER_8).add(s11.blend(s3, UPPER_8).rearrange(SWAP_8));
        s4 = s4.blend(s12, UPPER_8).add(s12.blend(s4, UPPER_8).rearrange(SWAP_8));
        s5 = s5.blend(s13, UPPER_8).add(s13.blend(s5, UPPER_8).rearrange(SWAP_8));
        s6 = s6.blend(s14, UPPER_8).add(s14.blend(s6, UPPER_8).rearrange(SWAP_8));
        s7 = s7.blend(s15, UPPER_8).add(s15.blend(s7, UPPER_8).rearrange(SWAP_8));
        s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
        s2 = s2.blend(s6, UPPER_4).add(s6.blend(s2, UPPER_4).rearrange(SWAP_4));
        s3 = s3.blend(s7, UPPER_4).add(s7.blend(s3, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
        s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
        s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                .intoArray(scores, to);
    }

    /** One head, 8 tokens; 16 floats are written, of which the last 8 repeat the first. */
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
            FloatVector x = FloatVector.fromArray(F, q, at + d);
            s0 = x.fma(FloatVector.fromMemorySegment(F, k, t0 + 4L * d, ORDER), s0);
            s1 = x.fma(FloatVector.fromMemorySegment(F, k, t1 + 4L * d, ORDER), s1);
            s2 = x.fma(FloatVector.fromMemorySegment(F, k, t2 + 4L * d, ORDER), s2);
            s3 = x.fma(FloatVector.fromMemorySegment(F, k, t3 + 4L * d, ORDER), s3);
            s4 = x.fma(FloatVector.fromMemorySegment(F, k, t4 + 4L * d, ORDER), s4);
            s5 = x.fma(FloatVector.fromMemorySegment(F, k, t5 + 4L * d, ORDER), s5);
            s6 = x.fma(FloatVector.fromMemorySegment(F, k, t6 + 4L * d, ORDER), s6);
            s7 = x.fma(FloatVector.fromMemorySegment(F, k, t7 + 4L * d, ORDER), s7);
        }
        s0 = s0.blend(s4, UPPER_8).add(s4.blend(s0, UPPER_8).rearrange(SWAP_8));
        s1 = s1.blend(s5, UPPER_8).add(s5.blend(s1, UPPER_8).rearrange(SWAP_8));
        s2 = s2.blend(s6, UPPER_8).add(s6.blend(s2, UPPER_8).rearrange(SWAP_8));
        s3 = s3.blend(s7, UPPER_8).add(s7.blend(s3, UPPER_8).rearrange(SWAP_8));
        s0 = s0.blend(s2, UPPER_4).add(s2.blend(s0, UPPER_4).rearrange(SWAP_4));
        s1 = s1.blend(s3, UPPER_4).add(s3.blend(s1, UPPER_4).rearrange(SWAP_4));
        s0 = s0.blend(s1, UPPER_2).add(s1.blend(s0, UPPER_2).rearrange(SWAP_2));
        s0.add(s0.rearrange(SWAP_1)).rearrange(EVEN).intoArray(scores, to);
    }
}
