package dev.heddle.backend.cpu.vector;

import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Stored elements to f32, exactly. The Vector API cannot convert an f16, but the compiler makes the instruction of a
 * plain loop; arithmetic on bits takes four times as long. An fp8 is made an f16 first, and no subnormal f32
 * comes up anywhere: one costs a hundred cycles.
 */
final class Widening {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Integer> I = Lanes.INTS;
    private static final VectorSpecies<Short> WORDS = VectorSpecies.of(short.class, F.vectorShape());
    private static final VectorShape HALF = VectorShape.forBitSize(F.vectorBitSize() / 2);
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, HALF);
    private static final VectorSpecies<Byte> B = VectorSpecies.of(byte.class, HALF);
    private static final int LANES = F.length();
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final float E4M3_BIAS = 0x1p8f; // that of an f16 is 15, not 7

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
        for (int i = 0; i < count; i++) {
            target[offset + i] =
                    Float.float16ToFloat(source.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 2L * i));
        }
    }

    static void int8(MemorySegment source, long at, float[] target, int offset, int count) {
        for (int i = 0; i < count; i++) {
            target[offset + i] = source.get(ValueLayout.JAVA_BYTE, at + i);
        }
    }

    static void e5m2(MemorySegment source, long at, float[] target, int offset, int count, short[] halves) {
        int vectorised = WORDS.loopBound(count);
        for (int i = 0; i < vectorised; i += WORDS.length()) {
            bytes(source, at + i).lanewise(VectorOperators.LSHL, 8).intoArray(halves, i);
        }
        for (int i = vectorised; i < count; i++) {
            halves[i] = (short) (source.get(ValueLayout.JAVA_BYTE, at + i) << 8); // the upper half of an f16
        }
        for (int i = 0; i < count; i++) {
            target[offset + i] = Float.float16ToFloat(halves[i]);
        }
    }

    static void e4m3(MemorySegment source, long at, float[] target, int offset, int count, short[] halves) {
        int vectorised = WORDS.loopBound(count);
        for (int i = 0; i < vectorised; i += WORDS.length()) {
            ShortVector bits = bytes(source, at + i);
            ShortVector magnitude = bits.and((short) 0x7F);
            // The one NaN, 0x7F, carries into bit 7: with it, the f16 exponent is all ones.
            magnitude.or(magnitude.add((short) 1).and((short) 0x80)).lanewise(VectorOperators.LSHL, 7)
                    .or(bits.and((short) 0x8000)).intoArray(halves, i);
        }
        for (int i = vectorised; i < count; i++) {
            int bits = source.get(ValueLayout.JAVA_BYTE, at + i);
            int magnitude = bits & 0x7F;
            halves[i] = (short) ((magnitude | magnitude + 1 & 0x80) << 7 | bits & 0x8000);
        }
        for (int i = 0; i < count; i++) {
            target[offset + i] = Float.float16ToFloat(halves[i]) * E4M3_BIAS;
        }
    }

    /** Returns bytes as words, sign in front. */
    private static ShortVector bytes(MemorySegment source, long at) {
        return (ShortVector) ByteVector.fromMemorySegment(B, source, at, ORDER)
                .convertShape(VectorOperators.B2S, WORDS, 0);
    }

    static void tail(
            MemorySegment source, long at, DataType dtype, float[] target, int offset, int from, int count) {
        for (int i = from; i < count; i++) {
            target[offset + i] = HostTensors.get(source, dtype, at + (long) i * dtype.byteSize());
        }
    }
}
