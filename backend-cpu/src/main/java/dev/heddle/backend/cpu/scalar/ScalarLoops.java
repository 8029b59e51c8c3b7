package dev.heddle.backend.cpu.scalar;

import dev.heddle.backend.cpu.kernel.DecodeLoops;
import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Plain loops: slower, and the reading copy of what the vector loops do. */
public final class ScalarLoops implements InnerLoops {
    /** Keeps nothing. */
    public ScalarLoops() {}

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void widen(
            MemorySegment source, long byteOffset, DataType dtype, float[] target, int targetOffset,
            int count) {
        int size = dtype.byteSize();
        for (int i = 0; i < count; i++) {
            target[targetOffset + i] = HostTensors.get(source, dtype, byteOffset + (long) i * size);
        }
    }

    @Override
    public void scores(float[] q, int qOffset, float[] k, int dim, float[] scores, int scoresOffset) {
        for (int t = 0; t < TOKENS; t++) {
            // Partial sums, as vector registers have them: fewer roundings in a row than one sum.
            float result = 0;
            for (int lane = 0; lane < PADDING; lane++) {
                float sum = 0;
                for (int d = lane; d < dim; d += PADDING) {
                    sum = Math.fma(q[qOffset + d], k[t * dim + d], sum);
                }
                result += sum;
            }
            scores[scoresOffset + t] = result;
        }
    }

    @Override
    public float exponentials(float[] scores, int offset, float max) {
        float sum = 0;
        for (int t = 0; t < TOKENS; t++) {
            float p = (float) Math.pow(2, (double) scores[offset + t] - max);
            scores[offset + t] = p;
            sum += p;
        }
        return sum;
    }

    @Override
    public void accumulate(
            float[] p, int pOffset, int from, int to, float[] v, int dim, float[] acc, int accOffset) {
        for (int t = from; t < to; t++) {
            float weight = p[pOffset + t];
            for (int d = 0; d < dim; d++) {
                acc[accOffset + d] = Math.fma(weight, v[t * dim + d], acc[accOffset + d]);
            }
        }
    }

    @Override
    public void scale(float[] values, int offset, int count, float factor) {
        for (int i = 0; i < count; i++) {
            values[offset + i] *= factor;
        }
    }

    @Override
    public void store(
            float[] values, int offset, int count, MemorySegment target, long byteOffset, DataType dtype) {
        for (int i = 0; i < count; i++) {
            HostTensors.set(target, dtype, byteOffset + (long) i * dtype.byteSize(), values[offset + i]);
        }
    }

    @Override
    public @Nullable DecodeLoops decode() {
        return null;
    }
}
