package dev.heddle.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExponentialTest {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final float LOWEST = -126;

    private static float[] power(float... x) {
        float[] padded = Arrays.copyOf(x, Math.ceilDiv(x.length, F.length()) * F.length());
        for (int i = 0; i < padded.length; i += F.length()) {
            Exponential.of(FloatVector.fromArray(F, padded, i)).intoArray(padded, i);
        }
        return Arrays.copyOf(padded, x.length);
    }

    /** Half a unit in the last place is the rounding of the result; the rest is what the polynomial may add. */
    @Test
    void isWithinOneAndAHalfUnitsInTheLastPlace() {
        int first = Float.floatToRawIntBits(-0x1p-30f);
        int last = Float.floatToRawIntBits(LOWEST);
        int step = 67; // odd and prime: all low bits of the mantissa take part
        float[] x = new float[4096];
        double worst = 0;
        for (int bits = first; bits <= last; bits += step * x.length) {
            for (int i = 0; i < x.length; i++) {
                x[i] = Float.intBitsToFloat(Math.min(bits + step * i, last));
            }
            float[] got = power(x);
            for (int i = 0; i < x.length; i++) {
                double exact = Math.pow(2, x[i]);
                worst = Math.max(worst, Math.abs(got[i] - exact) / Math.ulp((float) exact));
                assertTrue(got[i] > 0 && got[i] <= 1, "2^(" + x[i] + ") = " + got[i]);
            }
        }
        assertTrue(worst <= 1.5, "worst error " + worst + " ulp");
        assertTrue(worst > 0.5, "not one result is off by more than rounding: is this Math.pow itself?");
    }

    @Test
    void aMaximumIsExactlyOne() {
        // A row's largest score minus itself: its weight must be 1, or LSE and out are off together.
        assertEquals(1f, power(0f)[0]);
        assertEquals(1f, power(-0f)[0]);
        assertEquals(1f, power(-Float.MIN_VALUE)[0]);
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NEGATIVE_INFINITY, -Float.MAX_VALUE, -1e30f, -3e9f, -2_147_483_648f, -65536f,
            -1075f, -1000f, -150f, -127f, -126.01f})
    void vanishesFarBelow(float x) {
        assertEquals(0, Float.floatToRawIntBits(power(x)[0]), "2^(" + x + ") is +0");
    }

    @Test
    void theLowestIsNotYetZero() {
        assertEquals(Math.pow(2, LOWEST), power(LOWEST)[0], Math.pow(2, LOWEST) * 0x1p-22);
    }

    @Test
    void nanStaysNanInItsLaneOnly() {
        for (int lane = 0; lane < F.length(); lane++) {
            float[] x = new float[F.length()];
            Arrays.fill(x, -1);
            x[lane] = Float.NaN;
            float[] got = power(x);
            for (int i = 0; i < x.length; i++) {
                assertEquals(i == lane, Float.isNaN(got[i]), "lane " + i);
            }
        }
    }
}
