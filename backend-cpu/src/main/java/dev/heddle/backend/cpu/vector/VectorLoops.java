package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.tensor.DataType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The inner loops in vectors of the width that the CPU prefers, at most 512 bits. */
public final class VectorLoops implements InnerLoops {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED.length() > PADDING
            ? FloatVector.SPECIES_512
            : FloatVector.SPECIES_PREFERRED;
    private static final int LANES = F.length();

    // Dot products: with more lanes, adding them up costs what the wider loads gain.
    private static final VectorSpecies<Float> DOT = LANES > 8 ? FloatVector.SPECIES_256 : F;
    private static final int DOT_LANES = DOT.length();
    private static final int HALF = DOT_LANES / 2;
    private static final int QUARTER = DOT_LANES / 4;
    private static final VectorShuffle<Float> SWAP_HALF = swap(HALF);
    private static final VectorShuffle<Float> SWAP_QUARTER = swap(QUARTER);
    private static final VectorShuffle<Float> SWAP_1 = swap(1);
    private static final VectorMask<Float> UPPER_HALF = upper(HALF);
    private static final VectorMask<Float> UPPER_QUARTER = upper(QUARTER);
    private static final VectorMask<Float> UPPER_1 = upper(1);

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(DOT, lane -> lane ^ distance);
    }

    private static VectorMask<Float> upper(int distance) {
        long bits = 0;
        for (int lane = 0; lane < DOT_LANES; lane++) {
            bits |= (lane & distance) != 0 ? 1L << lane : 0;
        }
        return VectorMask.fromLong(DOT, bits);
    }

    @Override
    public String name() {
        return "vector " + F.vectorBitSize() + " bit";
    }

    @Override
    public void widen(
            MemorySegment source, long byteOffset, DataType dtype, float[] target, int targetOffset,
            int count) {
        // The narrowest byte vector holds 8: on 128-bit machines the last load would leave the row.
        int overread = dtype.byteSize() == 1 ? Math.max(0, 8 - LANES) : 0;
        int vectorised = Math.max(0, F.loopBound(count) - overread);
        switch (dtype) {
            case F32 -> Widening.f32(source, byteOffset, target, targetOffset, vectorised);
            case BF16 -> Widening.bf16(source, byteOffset, target, targetOffset, vectorised);
            case F16 -> Widening.f16(source, byteOffset, target, targetOffset, vectorised);
            case FP8_E4M3 -> Widening.e4m3(source, byteOffset, target, targetOffset, vectorised);
            case FP8_E5M2 -> Widening.e5m2(source, byteOffset, target, targetOffset, vectorised);
            case INT8 -> Widening.int8(source, byteOffset, target, targetOffset, vectorised);
        }
        if (vectorised < count) {
            Widening.tail(source, byteOffset, dtype, target, targetOffset, vectorised, count);
        }
    }

    @Override
    public void scores(float[] q, int qOffset, float[] k, int dim, float[] scores, int scoresOffset) {
        for (int t = 0; t < TOKENS; t += DOT_LANES) {
            FloatVector result = four(q, qOffset, k, t, dim);
            if (DOT_LANES == 8) {
                result = merge(result, four(q, qOffset, k, t + 1, dim), SWAP_1, UPPER_1);
            }
            result.intoArray(scores, scoresOffset + t);
        }
    }

    /**
     * Computes the dot products of tokens {@code t}, {@code t + QUARTER}, … up to four; each stands in a quarter of
     * the lanes' sum tree. Four tokens share each load of q; four chains hide the latency of the multiply-add.
     */
    private static FloatVector four(float[] q, int qOffset, float[] k, int t, int dim) {
        int k0 = t * dim;
        int k1 = k0 + QUARTER * dim;
        int k2 = k1 + QUARTER * dim;
        int k3 = k2 + QUARTER * dim;
        FloatVector s0 = FloatVector.zero(DOT);
        FloatVector s1 = FloatVector.zero(DOT);
        FloatVector s2 = FloatVector.zero(DOT);
        FloatVector s3 = FloatVector.zero(DOT);
        for (int d = 0; d < dim; d += DOT_LANES) {
            FloatVector query = FloatVector.fromArray(DOT, q, qOffset + d);
            s0 = query.fma(FloatVector.fromArray(DOT, k, k0 + d), s0);
            s1 = query.fma(FloatVector.fromArray(DOT, k, k1 + d), s1);
            s2 = query.fma(FloatVector.fromArray(DOT, k, k2 + d), s2);
            s3 = query.fma(FloatVector.fromArray(DOT, k, k3 + d), s3);
        }
        return merge(
                merge(s0, s2, SWAP_HALF, UPPER_HALF), merge(s1, s3, SWAP_HALF, UPPER_HALF), SWAP_QUARTER,
                UPPER_QUARTER);
    }

    /**
     * Adds pairs of lanes: those of {@code a} into the lower one, those of {@code b} into the upper one. This, since
     * reduceLanes leaves the order of additions open, and interpreted and compiled code do differ in it.
     */
    private static FloatVector merge(
            FloatVector a, FloatVector b, VectorShuffle<Float> swap, VectorMask<Float> upper) {
        return a.blend(b, upper).add(b.blend(a, upper).rearrange(swap));
    }

    @Override
    public float exponentials(float[] scores, int offset, float max) {
        for (int t = 0; t < TOKENS; t += LANES) {
            Exponential.of(FloatVector.fromArray(F, scores, offset + t).sub(max))
                    .intoArray(scores, offset + t);
        }
        // Not reduceLanes, see merge.
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        for (int t = offset; t < offset + TOKENS; t += 4) {
            s0 += scores[t];
            s1 += scores[t + 1];
            s2 += scores[t + 2];
            s3 += scores[t + 3];
        }
        return (s0 + s1) + (s2 + s3);
    }

    @Override
    public void accumulate(
            float[] p, int pOffset, int from, int to, float[] v, int dim, float[] acc, int accOffset) {
        int d = 0;
        for (; d <= dim - 4 * LANES; d += 4 * LANES) {
            FloatVector a0 = FloatVector.fromArray(F, acc, accOffset + d);
            FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + d + LANES);
            FloatVector a2 = FloatVector.fromArray(F, acc, accOffset + d + 2 * LANES);
            FloatVector a3 = FloatVector.fromArray(F, acc, accOffset + d + 3 * LANES);
            for (int t = from; t < to; t++) {
                FloatVector weight = FloatVector.broadcast(F, p[pOffset + t]);
                int at = t * dim + d;
                a0 = weight.fma(FloatVector.fromArray(F, v, at), a0);
                a1 = weight.fma(FloatVector.fromArray(F, v, at + LANES), a1);
                a2 = weight.fma(FloatVector.fromArray(F, v, at + 2 * LANES), a2);
                a3 = weight.fma(FloatVector.fromArray(F, v, at + 3 * LANES), a3);
            }
            a0.intoArray(acc, accOffset + d);
            a1.intoArray(acc, accOffset + d + LANES);
            a2.intoArray(acc, accOffset + d + 2 * LANES);
            a3.intoArray(acc, accOffset + d + 3 * LANES);
        }
        for (; d < dim; d += LANES) {
            FloatVector a = FloatVector.fromArray(F, acc, accOffset + d);
            for (int t = from; t < to; t++) {
                a = FloatVector.broadcast(F, p[pOffset + t]).fma(FloatVector.fromArray(F, v, t * dim + d), a);
            }
            a.intoArray(acc, accOffset + d);
        }
    }

    @Override
    public void scale(float[] values, int offset, int count, float factor) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector.fromArray(F, values, offset + i).mul(factor).intoArray(values, offset + i);
        }
    }
}
