package dev.heddle.backend.cpu.vector;

import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Stored elements to f32, exactly, by arithmetic on their bits. A small float is moved to the place of a binary32's
 * exponent and mantissa and multiplied by a power of two that corrects the bias: right for subnormals too.
 */
final class Widening {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Integer> I = Lanes.INTS;
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));
    private static final int LANES = F.length();
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final float F16_BIAS = 0x1p112f;
    private static final float E4M3_BIAS = 0x1p120f;

    private Widening() {}

    static void f32(MemorySegment source, long at, float[] target, int offset, int count) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector.fromMemorySegment(F, source, at + 4L * i, ORDER).intoArray(target, offset + i);
        }
    }

    static void bf16(MemorySegment source, long at, float[] target, int offset, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = (IntVector) ShortVector.fromMemorySegment(S, source, at + 2L * i, ORDER)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(target, offset + i);
        }
    }

    static void f16(MemorySegment source, long at, float[] target, int offset, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = (IntVector) ShortVector.fromMemorySegment(S, source, at + 2L * i, ORDER)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            half(bits).intoArray(target, offset + i);
        }
    }

    static void e5m2(MemorySegment source, long at, float[] target, int offset, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = (IntVector) ByteVector.fromMemorySegment(B, source, at + i, ORDER)
                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            half(bits.lanewise(VectorOperators.LSHL, 8)).intoArray(target, offset + i); // the upper half of an f16
        }
    }

    static void e4m3(MemorySegment source, long at, float[] target, int offset, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = (IntVector) ByteVector.fromMemorySegment(B, source, at + i, ORDER)
                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            IntVector magnitude = bits.and(0x7F);
            IntVector sign = bits.and(0x80).lanewise(VectorOperators.LSHL, 24);
            VectorMask<Integer> nan = magnitude.eq(0x7F);
            IntVector value = magnitude.lanewise(VectorOperators.LSHL, 20).reinterpretAsFloats()
                    .mul(E4M3_BIAS).reinterpretAsInts();
            value.blend(0x7FC0_0000, nan).or(sign).reinterpretAsFloats().intoArray(target, offset + i);
        }
    }

    static void int8(MemorySegment source, long at, float[] target, int offset, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector values = (IntVector) ByteVector.fromMemorySegment(B, source, at + i, ORDER)
                    .convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) values.convert(VectorOperators.I2F, 0)).intoArray(target, offset + i);
        }
    }

    static void tail(
            MemorySegment source, long at, DataType dtype, float[] target, int offset, int from, int count) {
        for (int i = from; i < count; i++) {
            target[offset + i] = HostTensors.get(source, dtype, at + (long) i * dtype.byteSize());
        }
    }

    private static FloatVector half(IntVector bits) {
        IntVector magnitude = bits.and(0x7FFF);
        IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
        IntVector shifted = magnitude.lanewise(VectorOperators.LSHL, 13);
        VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, 0x7C00);
        IntVector value = shifted.reinterpretAsFloats().mul(F16_BIAS).reinterpretAsInts();
        return value.blend(shifted.or(0x7F80_0000), special).or(sign).reinterpretAsFloats();
    }
}
