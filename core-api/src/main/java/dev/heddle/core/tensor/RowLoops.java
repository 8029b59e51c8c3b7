package dev.heddle.core.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What {@link DataType} does to one element, for elements that lie one after the other. Each type has a loop of its own,
 * without a choice in it, and the loop a method of its own: {@link DataType#encode} is too large to be inlined, and so
 * would all loops together be.
 */
final class RowLoops {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private RowLoops() {}

    /** Reads elements from a byte offset on, each times a scale. */
    static void read(MemorySegment from, DataType dtype, long at, float[] to, int offset, int count,
            float scale) {
        switch (dtype) {
            case F32 -> readF32(from, at, to, offset, count, scale);
            case F16 -> readF16(from, at, to, offset, count, scale);
            case BF16 -> readBf16(from, at, to, offset, count, scale);
            case FP8_E4M3 -> readE4m3(from, at, to, offset, count, scale);
            case FP8_E5M2 -> readE5m2(from, at, to, offset, count, scale);
            case INT8 -> readInt8(from, at, to, offset, count, scale);
        }
    }

    /** Stores the elements nearest to values divided by a scale, from a byte offset on. */
    static void write(MemorySegment to, DataType dtype, long at, float[] from, int offset, int count,
            float scale) {
        switch (dtype) {
            case F32 -> writeF32(to, at, from, offset, count, scale);
            case F16 -> writeF16(to, at, from, offset, count, scale);
            case BF16 -> writeBf16(to, at, from, offset, count, scale);
            case FP8_E4M3 -> writeE4m3(to, at, from, offset, count, scale);
            case FP8_E5M2 -> writeE5m2(to, at, from, offset, count, scale);
            case INT8 -> writeInt8(to, at, from, offset, count, scale);
        }
    }

    private static void readF32(MemorySegment from, long at, float[] to, int offset, int count, float scale) {
        for (int i = 0; i < count; i++) {
            to[offset + i] = Float.intBitsToFloat(from.get(INT, at + 4L * i)) * scale;
        }
    }

    private static void readF16(MemorySegment from, long at, float[] to, int offset, int count, float scale) {
        for (int i = 0; i < count; i++) {
            to[offset + i] = Float.float16ToFloat(from.get(SHORT, at + 2L * i)) * scale;
        }
    }

    private static void readBf16(MemorySegment from, long at, float[] to, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to[offset + i] = Float.intBitsToFloat(from.get(SHORT, at + 2L * i) << 16) * scale;
        }
    }

    private static void readE4m3(MemorySegment from, long at, float[] to, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to[offset + i] = Fp8.E4M3.decode(from.get(BYTE, at + i)) * scale;
        }
    }

    private static void readE5m2(MemorySegment from, long at, float[] to, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to[offset + i] = Fp8.E5M2.decode(from.get(BYTE, at + i)) * scale;
        }
    }

    private static void readInt8(MemorySegment from, long at, float[] to, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to[offset + i] = from.get(BYTE, at + i) * scale;
        }
    }

    private static void writeF32(MemorySegment to, long at, float[] from, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to.set(INT, at + 4L * i, Float.floatToRawIntBits(from[offset + i] / scale));
        }
    }

    private static void writeF16(MemorySegment to, long at, float[] from, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to.set(SHORT, at + 2L * i, Float.floatToFloat16(from[offset + i] / scale));
        }
    }

    private static void writeBf16(MemorySegment to, long at, float[] from, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to.set(SHORT, at + 2L * i, (short) DataType.encodeBf16(from[offset + i] / scale));
        }
    }

    private static void writeE4m3(MemorySegment to, long at, float[] from, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to.set(BYTE, at + i, (byte) Fp8.E4M3.encodeSaturating(from[offset + i] / scale));
        }
    }

    private static void writeE5m2(MemorySegment to, long at, float[] from, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to.set(BYTE, at + i, (byte) Fp8.E5M2.encodeSaturating(from[offset + i] / scale));
        }
    }

    private static void writeInt8(MemorySegment to, long at, float[] from, int offset, int count,
            float scale) {
        for (int i = 0; i < count; i++) {
            to.set(BYTE, at + i, (byte) DataType.encodeInt8(from[offset + i] / scale));
        }
    }

    /** Rounds values to a type. */
    static void round(DataType dtype, float[] values) {
        switch (dtype) {
            case F32 -> {}
            case F16 -> roundF16(values);
            case BF16 -> roundBf16(values);
            case FP8_E4M3, FP8_E5M2, INT8 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = dtype.round(values[i]);
                }
            }
        }
    }

    private static void roundF16(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
        }
    }

    private static void roundBf16(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(DataType.encodeBf16(values[i]) << 16);
        }
    }
}
