package dev.heddle.core.tensor;

/** Exact conversions of one 8-bit float format; decoding is a table, encoding works on the bits of a binary32. */
final class Fp8 {
    static final Fp8 E4M3 = new Fp8(4, 3, 7, false);
    static final Fp8 E5M2 = new Fp8(5, 2, 15, true);

    private static final int F32_MANTISSA_BITS = 23;
    private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

    private final int mantissaBits;
    private final int bias;
    private final int overflow; // magnitude bits of what lies beyond the largest finite value
    private final int nan;
    private final int leastNormal; // bits of a binary32
    private final float grid;
    private final float[] values = new float[256];

    private Fp8(int exponentBits, int mantissaBits, int bias, boolean hasInfinity) {
        this.mantissaBits = mantissaBits;
        this.bias = bias;
        int top = (1 << exponentBits) - 1;
        this.nan = hasInfinity ? (top << mantissaBits) | (1 << (mantissaBits - 1)) : 0x7F;
        this.overflow = hasInfinity ? top << mantissaBits : 0x7F;
        this.leastNormal = 1 - bias + Float.MAX_EXPONENT << F32_MANTISSA_BITS;
        this.grid = Math.scalb(1f, 1 - bias - mantissaBits + F32_MANTISSA_BITS);
        for (int bits = 0; bits < 256; bits++) {
            int exponent = (bits & 0x7F) >>> mantissaBits;
            int mantissa = bits & ((1 << mantissaBits) - 1);
            float magnitude;
            if (hasInfinity && exponent == top) {
                magnitude = mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            } else if (!hasInfinity && (bits & 0x7F) == 0x7F) {
                magnitude = Float.NaN;
            } else if (exponent == 0) {
                magnitude = Math.scalb((float) mantissa, 1 - bias - mantissaBits);
            } else {
                magnitude =
                        Math.scalb((float) (mantissa + (1 << mantissaBits)), exponent - bias - mantissaBits);
            }
            values[bits] = bits < 128 ? magnitude : -magnitude;
        }
    }

    float decode(int bits) {
        return values[bits & 0xFF];
    }

    int encode(float value) {
        return encode(value, overflow);
    }

    /** As {@link #encode}, but what lies beyond the largest finite value becomes that one. */
    int encodeSaturating(float value) {
        return encode(value, overflow - 1);
    }

    private int encode(float value, int most) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 24 & 0x80;
        int magnitude = bits & Integer.MAX_VALUE;
        if (magnitude > INFINITY) {
            return sign | nan;
        }
        if (magnitude < leastNormal) {
            // Beside a number whose last bit is the smallest step, an addition rounds to steps, ties to even.
            return sign | Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + grid)
                    - Float.floatToRawIntBits(grid);
        }
        // Half a step less one, and one more where the last bit kept is odd; a mantissa that becomes 2.0 carries by itself.
        int shift = F32_MANTISSA_BITS - mantissaBits;
        int rounded = magnitude + (1 << shift - 1) - 1 + (magnitude >>> shift & 1) >>> shift;
        return sign | Math.min(rounded - (Float.MAX_EXPONENT - bias << mantissaBits), most);
    }
}
