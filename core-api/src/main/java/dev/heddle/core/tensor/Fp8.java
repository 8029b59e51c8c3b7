package dev.heddle.core.tensor;

/** Exact conversions of one 8-bit float format; decoding is a table, encoding works on the bits of a binary32. */
final class Fp8 {
    static final Fp8 E4M3 = new Fp8(4, 3, 7, false);
    static final Fp8 E5M2 = new Fp8(5, 2, 15, true);

    private final int mantissaBits;
    private final int bias;
    private final int overflow; // magnitude bits of what lies beyond the largest finite value
    private final int nan;
    private final float[] values = new float[256];

    private Fp8(int exponentBits, int mantissaBits, int bias, boolean hasInfinity) {
        this.mantissaBits = mantissaBits;
        this.bias = bias;
        int top = (1 << exponentBits) - 1;
        this.nan = hasInfinity ? (top << mantissaBits) | (1 << (mantissaBits - 1)) : 0x7F;
        this.overflow = hasInfinity ? top << mantissaBits : 0x7F;
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
        int sign = Float.floatToRawIntBits(value) >>> 24 & 0x80;
        if (Float.isNaN(value)) {
            return sign | nan;
        }
        float magnitude = Math.abs(value);
        // The grid's spacing at this magnitude is 2^(exponent - mantissaBits), subnormals share the smallest one.
        int exponent = Math.max(Math.getExponent(magnitude), 1 - bias);
        if (exponent > bias + 1) {
            return sign | overflow;
        }
        // Scaling by a power of two is exact here and rint rounds ties to even, so the sum below carries
        // into the exponent by itself when the mantissa rounds up to 2.0.
        int steps = (int) Math.rint(Math.scalb(magnitude, mantissaBits - exponent));
        int bits = ((exponent + bias - 1) << mantissaBits) + steps;
        return sign | Math.min(bits, overflow);
    }
}
