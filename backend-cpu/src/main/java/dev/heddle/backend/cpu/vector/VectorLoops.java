package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.DecodeLoops;
import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/** The inner loops in vectors of the width that the CPU prefers, at most 512 bits. */
public final class VectorLoops implements InnerLoops {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int LANES = F.length();

    // Dot products: with more lanes, adding them up costs what the wider loads gain.
    private static final VectorSpecies<Float> DOT = LANES > 8 ? FloatVector.SPECIES_256 : F;
    private static final int DOT_LANES = DOT.length();
    private static final VectorShuffle<Float> SWAP_4 = Lanes.swap(DOT, 4);
    private static final VectorShuffle<Float> SWAP_2 = Lanes.swap(DOT, 2);
    private static final VectorShuffle<Float> SWAP_1 = Lanes.swap(DOT, 1);
    private static final VectorMask<Float> UPPER_4 = Lanes.upper(DOT, 4);
    private static final VectorMask<Float> UPPER_2 = Lanes.upper(DOT, 2);
    private static final VectorMask<Float> UPPER_1 = Lanes.upper(DOT, 1);

    private static final @Nullable DecodeLoops DECODE = VectorDecode.suits() ? new VectorDecode() : null;

    /** Keeps nothing. */
    public VectorLoops() {}

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

    /**
     * The lanes of several sums are added up together, in pairs: lower lanes of the result belong to one token, upper
     * lanes to another. Not with reduceLanes, which leaves the order of additions open: interpreted and compiled code
     * do differ in it, and runs would not repeat bit for bit. No helper returns a vector here, since one that the
     * compiler happens not to inline would allocate it.
     */
    @Override
    public void scores(float[] q, int qOffset, float[] k, int dim, float[] scores, int scoresOffset) {
        if (DOT_LANES == 8) {
            scores8(q, qOffset, k, dim, scores, scoresOffset);
        } else {
            scores4(q, qOffset, k, dim, scores, scoresOffset);
        }
    }

    // Eight tokens share each load of q; eight chains hide the latency of the multiply-add.
    private static void scores8(float[] q, int qOffset, float[] k, int dim, float[] scores,
            int scoresOffset) {
        for (int t = 0; t < TOKENS; t += 8) {
            FloatVector s0 = FloatVector.zero(DOT);
            FloatVector s1 = FloatVector.zero(DOT);
            FloatVector s2 = FloatVector.zero(DOT);
            FloatVector s3 = FloatVector.zero(DOT);
            FloatVector s4 = FloatVector.zero(DOT);
            FloatVector s5 = FloatVector.zero(DOT);
            FloatVector s6 = FloatVector.zero(DOT);
            FloatVector s7 = FloatVector.zero(DOT);
            for (int d = 0; d < dim; d += 8) {
                int at = t * dim + d;
                FloatVector query = FloatVector.fromArray(DOT, q, qOffset + d);
                s0 = query.fma(FloatVector.fromArray(DOT, k, at), s0);
                s1 = query.fma(FloatVector.fromArray(DOT, k, at + dim), s1);
                s2 = query.fma(FloatVector.fromArray(DOT, k, at + 2 * dim), s2);
                s3 = query.fma(FloatVector.fromArray(DOT, k, at + 3 * dim), s3);
                s4 = query.fma(FloatVector.fromArray(DOT, k, at + 4 * dim), s4);
                s5 = query.fma(FloatVector.fromArray(DOT, k, at + 5 * dim), s5);
                s6 = query.fma(FloatVector.fromArray(DOT, k, at + 6 * dim), s6);
                s7 = query.fma(FloatVector.fromArray(DOT, k, at + 7 * dim), s7);
            }
            s0 = s0.blend(s4, UPPER_4).add(s4.blend(s0, UPPER_4).rearrange(SWAP_4));
            s1 = s1.blend(s5, UPPER_4).add(s5.blend(s1, UPPER_4).rearrange(SWAP_4));
            s2 = s2.blend(s6, UPPER_4).add(s6.blend(s2, UPPER_4).rearrange(SWAP_4));
            s3 = s3.blend(s7, UPPER_4).add(s7.blend(s3, UPPER_4).rearrange(SWAP_4));
            s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
            s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
            s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                    .intoArray(scores, scoresOffset + t);
        }
    }

    private static void scores4(float[] q, int qOffset, float[] k, int dim, float[] scores,
            int scoresOffset) {
        for (int t = 0; t < TOKENS; t += 4) {
            FloatVector s0 = FloatVector.zero(DOT);
            FloatVector s1 = FloatVector.zero(DOT);
            FloatVector s2 = FloatVector.zero(DOT);
            FloatVector s3 = FloatVector.zero(DOT);
            for (int d = 0; d < dim; d += 4) {
                int at = t * dim + d;
                FloatVector query = FloatVector.fromArray(DOT, q, qOffset + d);
                s0 = query.fma(FloatVector.fromArray(DOT, k, at), s0);
                s1 = query.fma(FloatVector.fromArray(DOT, k, at + dim), s1);
                s2 = query.fma(FloatVector.fromArray(DOT, k, at + 2 * dim), s2);
                s3 = query.fma(FloatVector.fromArray(DOT, k, at + 3 * dim), s3);
            }
            s0 = s0.blend(s2, UPPER_2).add(s2.blend(s0, UPPER_2).rearrange(SWAP_2));
            s1 = s1.blend(s3, UPPER_2).add(s3.blend(s1, UPPER_2).rearrange(SWAP_2));
            s0.blend(s1, UPPER_1).add(s1.blend(s0, UPPER_1).rearrange(SWAP_1))
                    .intoArray(scores, scoresOffset + t);
        }
    }

    @Override
    public float exponentials(float[] scores, int offset, float max) {
        for (int t = 0; t < TOKENS; t += LANES) {
            Exponential.of(FloatVector.fromArray(F, scores, offset + t).sub(max))
                    .intoArray(scores, offset + t);
        }
        // Not reduceLanes, see scores.
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

    @Override
    public void store(
            float[] values, int offset, int count, MemorySegment target, long byteOffset, DataType dtype) {
        int vectorised = F.loopBound(count);
        int done = switch (dtype) {
            case F32 -> Narrowing.f32(values, offset, vectorised, target, byteOffset);
            case BF16 -> Narrowing.bf16(values, offset, vectorised, target, byteOffset);
            default -> 0;
        };
        for (int i = done; i < count; i++) {
            HostTensors.set(target, dtype, byteOffset + (long) i * dtype.byteSize(), values[offset + i]);
        }
    }

    @Override
    public @Nullable DecodeLoops decode() {
        return DECODE;
    }
}
