package dev.heddle.core.tensor;

import dev.heddle.core.Stable;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The element types of q, K, V and out, with conversions that round to nearest, ties to even.
 *
 * <p>The 8-bit floats are those of the OCP <a
 * href="https://www.opencompute.org/documents/ocp-8-bit-floating-point-specification-ofp8-revision-1-0-2023-12-01-pdf-1">OFP8
 * specification</a>: {@link #FP8_E4M3} has no infinities (largest finite value 448, NaN 0x7F and 0xFF), {@link
 * #FP8_E5M2} is IEEE-like (largest finite value 57344). {@link #INT8} is a plain signed integer; quantised
 * caches multiply it by a scale.
 *
 * @since 0.1
 */
@Stable
public enum DataType {
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary16: 5 exponent bits, 10 mantissa bits. */
    F16(2),
    /** bfloat16: the upper half of a binary32. */
    BF16(2),
    /** OFP8 E4M3: 4 exponent bits, 3 mantissa bits, no infinity. */
    FP8_E4M3(1),
    /** OFP8 E5M2: 5 exponent bits, 2 mantissa bits. */
    FP8_E5M2(1),
    /** Signed 8-bit integer. */
    INT8(1);

    private final int byteSize;
    private final String id;

    DataType(int byteSize) {
        this.byteSize = byteSize;
        this.id = name().toLowerCase(Locale.ROOT);
    }

    /** Returns the size of one element in bytes: 1, 2 or 4. */
    public int byteSize() {
        return byteSize;
    }

    /** Returns the name used on the command line and in JSON: {@code f32}, {@code bf16}, {@code fp8_e4m3}, … */
    public String id() {
        return id;
    }

    /** Returns whether values of this type need a scale to mean something: the 8-bit types. */
    public boolean isQuantised() {
        return byteSize == 1;
    }

    /**
     * Returns the type with the given {@link #id()}.
     *
     * @throws IllegalArgumentException if there is none; the message lists the known ids
     */
    public static DataType ofId(String id) {
        for (DataType type : values()) {
            if (type.id.equals(id)) {
                return type;
            }
        }
        throw new IllegalArgumentException("unknown dtype '" + id + "', known: "
                + Arrays.stream(values()).map(DataType::id).collect(Collectors.joining(", ")));
    }

    /**
     * Returns the value of a bit pattern, exactly; bits above the type's size are ignored.
     *
     * @param bits the stored bits, as an int, short or byte widened in any way
     */
    public float decode(int bits) {
        return switch (this) {
            case F32 -> Float.intBitsToFloat(bits);
            case F16 -> Float.float16ToFloat((short) bits);
            case BF16 -> Float.intBitsToFloat(bits << 16);
            case FP8_E4M3 -> Fp8.E4M3.decode(bits);
            case FP8_E5M2 -> Fp8.E5M2.decode(bits);
            case INT8 -> (byte) bits;
        };
    }

    /**
     * Returns the bit pattern nearest to a value, ties to even. A value beyond the largest finite one becomes
     * infinity where the type has one, NaN in {@link #FP8_E4M3}, and the nearest end of −128…127 in {@link #INT8},
     * where NaN becomes 0.
     */
    public int encode(float value) {
        return switch (this) {
            case F32 -> Float.floatToRawIntBits(value);
            case F16 -> Float.floatToFloat16(value) & 0xFFFF;
            case BF16 -> encodeBf16(value);
            case FP8_E4M3 -> Fp8.E4M3.encode(value);
            case FP8_E5M2 -> Fp8.E5M2.encode(value);
            case INT8 -> encodeInt8(value);
        };
    }

    /**
     * As {@link #encode}, except that a finite value or infinity beyond the largest finite one becomes that one:
     * what a KV cache wants when it quantises.
     */
    public int encodeSaturating(float value) {
        return switch (this) {
            case FP8_E4M3 -> Fp8.E4M3.encodeSaturating(value);
            case FP8_E5M2 -> Fp8.E5M2.encodeSaturating(value);
            case INT8 -> encode(value); // saturates anyway, and to -128, which lies beyond -maxFinite()
            case F32, F16, BF16 ->
                encode(Float.isNaN(value) ? value : Math.clamp(value, -maxFinite(), maxFinite()));
        };
    }

    /** Returns {@code value} rounded to this type: {@code decode(encode(value))}. */
    public float round(float value) {
        return decode(encode(value));
    }

    /** Replaces each value by what {@link #round(float)} makes of it. */
    public void round(float[] values) {
        RowLoops.round(this, values);
    }

    /** Returns the largest finite value of this type. */
    public float maxFinite() {
        return switch (this) {
            case F32 -> Float.MAX_VALUE;
            case F16 -> 65504f;
            case BF16 -> Float.intBitsToFloat(0x7F7F_0000);
            case FP8_E4M3 -> 448f;
            case FP8_E5M2 -> 57344f;
            case INT8 -> 127f;
        };
    }

    static int encodeBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (bits >>> 16) | 0x0040; // keep it a NaN even when only low mantissa bits are set
        }
        return (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16;
    }

    static int encodeInt8(float value) {
        return Math.clamp((int) Math.rint(value), -128, 127) & 0xFF; // the cast makes NaN 0
    }
}
