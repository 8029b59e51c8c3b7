package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.DecodeLoops;
import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.backend.cpu.kernel.PrefillLoops;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/** The inner loops in vectors of the width that the CPU prefers, at most 512 bits. */
public final class VectorLoops implements InnerLoops {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int LANES = F.length();

    private static final PrefillLoops PREFILL = new VectorPrefill();
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
            int count, short[] halves) {
        int vectorised = F.loopBound(count);
        switch (dtype) {
            case F32 -> Widening.f32(source, byteOffset, target, targetOffset, vectorised);
            case BF16 -> Widening.bf16(source, byteOffset, target, targetOffset, vectorised);
            case F16 -> Widening.f16(source, byteOffset, target, targetOffset, count);
            case FP8_E4M3 -> Widening.e4m3(source, byteOffset, target, targetOffset, count, halves);
            case FP8_E5M2 -> Widening.e5m2(source, byteOffset, target, targetOffset, count, halves);
            case INT8 -> Widening.int8(source, byteOffset, target, targetOffset, count);
        }
        if (vectorised < count && (dtype == DataType.F32 || dtype == DataType.BF16)) {
            Widening.tail(source, byteOffset, dtype, target, targetOffset, vectorised, count);
        }
    }

    @Override
    public void scale(float[] values, int offset, int count, float factor) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector.fromArray(F, values, offset + i).mul(factor).intoArray(values, offset + i);
        }
    }

    @Override
    public void combine(float[] into, int intoOffset, float a, float[] next, int nextOffset, float b,
            int count) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector x = FloatVector.fromArray(F, into, intoOffset + i).mul(a);
            x.add(FloatVector.fromArray(F, next, nextOffset + i).mul(b)).intoArray(into, intoOffset + i);
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
    public PrefillLoops prefill() {
        return PREFILL;
    }

    @Override
    public @Nullable DecodeLoops decode() {
        return DECODE;
    }
}
