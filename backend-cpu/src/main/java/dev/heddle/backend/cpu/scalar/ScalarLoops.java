package dev.heddle.backend.cpu.scalar;

import dev.heddle.backend.cpu.kernel.DecodeLoops;
import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.backend.cpu.kernel.PrefillLoops;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Plain loops: slower, and the reading copy of what the vector loops do. */
public final class ScalarLoops implements InnerLoops {
    private static final PrefillLoops PREFILL = new ScalarPrefill();

    /** Keeps nothing. */
    public ScalarLoops() {}

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void widen(
            MemorySegment source, long byteOffset, DataType dtype, float[] target, int targetOffset,
            int count, short[] halves) {
        int size = dtype.byteSize();
        for (int i = 0; i < count; i++) {
            target[targetOffset + i] = HostTensors.get(source, dtype, byteOffset + (long) i * size);
        }
    }

    @Override
    public void scale(float[] values, int offset, int count, float factor) {
        for (int i = 0; i < count; i++) {
            values[offset + i] *= factor;
        }
    }

    @Override
    public void combine(float[] into, int intoOffset, float a, float[] next, int nextOffset, float b,
            int count) {
        for (int i = 0; i < count; i++) {
            into[intoOffset + i] = into[intoOffset + i] * a + next[nextOffset + i] * b;
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
    public PrefillLoops prefill() {
        return PREFILL;
    }

    @Override
    public @Nullable DecodeLoops decode() {
        return null;
    }
}
