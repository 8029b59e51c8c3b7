package dev.heddle.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Every pattern of the small types, against decoding by the definition and a search for the nearest value. */
class DataTypeTest {
    private static int patterns(DataType type) {
        return 1 << (8 * type.byteSize());
    }

    /** Decodes by the definition of a binary float, in double, where every such value is exact. */
    private static double defined(DataType type, int bits) {
        int exponentBits;
        int mantissaBits;
        switch (type) {
            case F16 -> {
                exponentBits = 5;
                mantissaBits = 10;
            }
            case BF16 -> {
                exponentBits = 8;
                mantissaBits = 7;
            }
            case FP8_E4M3 -> {
                exponentBits = 4;
                mantissaBits = 3;
            }
            case FP8_E5M2 -> {
                exponentBits = 5;
                mantissaBits = 2;
            }
            case INT8 -> {
                return bits < 128 ? bits : bits - 256;
            }
            default -> throw new IllegalArgumentException(type.id());
        }
        int top = (1 << exponentBits) - 1;
        int exponent = bits >> mantissaBits & top;
        int mantissa = bits & (1 << mantissaBits) - 1;
        double sign = bits >> (exponentBits + mantissaBits) == 0 ? 1 : -1;
        double fraction = mantissa / (double) (1 << mantissaBits);
        if (exponent == top && type != DataType.FP8_E4M3) {
            return mantissa == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
        }
        if (exponent == top && mantissa == (1 << mantissaBits) - 1) {
            return Double.NaN;
        }
        int bias = (1 << (exponentBits - 1)) - 1;
        return exponent == 0
                ? sign * fraction * Math.pow(2, 1 - bias)
                : sign * (1 + fraction) * Math.pow(2, exponent - bias);
    }

    /** Returns the finite values of a type that are 0 or more (all of them for INT8), by value. */
    private static TreeMap<Double, Integer> finite(DataType type) {
        TreeMap<Double, Integer> values = new TreeMap<>();
        for (int bits = 0; bits < patterns(type); bits++) {
            double value = defined(type, bits);
            if (Double.isFinite(value) && (type == DataType.INT8 || bits < patterns(type) / 2)) {
                values.put(value, bits);
            }
        }
        return values;
    }

    /** Returns the pattern nearest to a value, ties to the even pattern; beyond the end of the values, null. */
    private static Integer nearest(TreeMap<Double, Integer> values, double value) {
        var below = values.floorEntry(value);
        var above = values.ceilingEntry(value);
        if (below == null || above == null) {
            return null;
        }
        double down = value - below.getKey();
        double up = above.getKey() - value;
        if (down == up) {
            return below.getValue() % 2 == 0 ? below.getValue() : above.getValue();
        }
        return down < up ? below.getValue() : above.getValue();
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "F32")
    void everyPatternDecodesAsDefinedAndSurvives(DataType type) {
        for (int bits = 0; bits < patterns(type); bits++) {
            float value = type.decode(bits);
            assertEquals((float) defined(type, bits), value, type + " pattern " + bits);
            assertEquals(value, type.decode(bits | 0xFFFF_0000 & -patterns(type)), "high bits are ignored");
            if (Float.isNaN(value)) {
                assertTrue(Float.isNaN(type.round(value)), "NaN stays NaN");
            } else {
                assertEquals(bits, type.encode(value), type + " pattern " + bits);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "F32")
    void midpointsRoundToEvenAndTheirNeighboursToTheNearest(DataType type) {
        TreeMap<Double, Integer> values = finite(type);
        int sign = patterns(type) / 2;
        Double previous = null;
        for (double value : values.keySet()) {
            if (previous != null) {
                float middle = (float) ((previous + value) / 2);
                for (float probe : new float[]{Math.nextDown(middle), middle, Math.nextUp(middle)}) {
                    int expected = nearest(values, probe);
                    assertEquals(expected, type.encode(probe), type + " " + probe);
                    if (type != DataType.INT8) {
                        assertEquals(expected | sign, type.encode(-probe), type + " " + -probe);
                    }
                }
            }
            previous = value;
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "F32")
    void randomFloatsRoundToTheNearest(DataType type) {
        TreeMap<Double, Integer> values = finite(type);
        Random random = new Random(11);
        double low = type == DataType.INT8 ? -128 : 0;
        int compared = 0;
        for (int i = 0; i < 200_000; i++) {
            float probe = i % 2 == 0 ? Math.abs(Float.intBitsToFloat(random.nextInt()))
                    : (float) (low + random.nextDouble() * (type.maxFinite() - low));
            Integer expected = Float.isNaN(probe) ? null : nearest(values, probe);
            if (expected != null) {
                assertEquals(expected, type.encode(probe), type + " " + probe);
                assertEquals(expected, type.encodeSaturating(probe), type + " " + probe);
                compared++;
            }
        }
        assertTrue(compared > 50_000, "compared only " + compared);
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"F16", "BF16", "FP8_E4M3", "FP8_E5M2"})
    void beyondTheLargestFiniteValue(DataType type) {
        float max = type.maxFinite();
        assertEquals((double) max, finite(type).lastKey());
        int overflow = type == DataType.FP8_E4M3 ? 0x7F : type.encode(Float.POSITIVE_INFINITY);
        double next = defined(type, type.encode(max) - 1);
        float half = (float) (max + (max - next) / 2); // where rounding reaches the next, absent, value
        // The last mantissa of E4M3 is even (its odd neighbour is NaN), that of the others is odd.
        int atHalf = type == DataType.FP8_E4M3 ? type.encode(max) : overflow;
        assertEquals(type.encode(max), type.encode(Math.nextDown(half)));
        assertEquals(atHalf, type.encode(half));
        assertEquals(overflow, type.encode(Math.nextUp(half)));
        int sign = patterns(type) / 2;
        for (float large : new float[]{Math.nextUp(half), Float.MAX_VALUE, Float.POSITIVE_INFINITY}) {
            assertEquals(overflow, type.encode(large), type + " " + large);
            assertEquals(overflow | sign, type.encode(-large), type + " " + -large);
            assertEquals(type.encode(max), type.encodeSaturating(large));
            assertEquals(type.encode(-max), type.encodeSaturating(-large));
        }
        assertEquals(type != DataType.FP8_E4M3, Float.isInfinite(type.decode(overflow)));
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "INT8")
    void nanAndZerosKeepTheirNature(DataType type) {
        for (int payload : new int[]{0x7FC0_0000, 0x7F80_0001, 0xFF80_0001, 0x7FFF_FFFF, 0xFFFF_FFFF}) {
            assertTrue(Float.isNaN(type.round(Float.intBitsToFloat(payload))), Integer.toHexString(payload));
            assertTrue(Float.isNaN(type.decode(type.encodeSaturating(Float.intBitsToFloat(payload)))));
        }
        assertEquals(0, Float.floatToRawIntBits(type.round(0f)));
        assertEquals(0x8000_0000, Float.floatToRawIntBits(type.round(-0f)));
        assertEquals(0, type.encode(Float.MIN_VALUE) & (type == DataType.F32 ? 0 : -1));
    }

    @Test
    void int8SaturatesToBothEnds() {
        for (float high : new float[]{127.5f, 128, 1e9f, Float.POSITIVE_INFINITY}) {
            assertEquals(127, DataType.INT8.round(high));
            assertEquals(-128, DataType.INT8.round(-high - 1));
        }
        assertEquals(0, DataType.INT8.encode(Float.NaN));
        assertEquals(-128, DataType.INT8.decode(DataType.INT8.encodeSaturating(-128)),
                "-128 is a value of the type");
        assertEquals(2, DataType.INT8.round(2.5f));
        assertEquals(4, DataType.INT8.round(3.5f));
    }

    @Test
    void f32KeepsEveryBit() {
        Random random = new Random(5);
        for (int i = 0; i < 100_000; i++) {
            int bits = random.nextInt();
            float value = DataType.F32.decode(bits);
            if (!Float.isNaN(value)) {
                assertEquals(bits, DataType.F32.encode(value));
            }
        }
        assertEquals(Float.MAX_VALUE,
                DataType.F32.decode(DataType.F32.encodeSaturating(Float.POSITIVE_INFINITY)));
    }

    @ParameterizedTest
    @EnumSource
    void idsAreFound(DataType type) {
        assertEquals(type, DataType.ofId(type.id()));
        assertEquals(type.byteSize() == 1, type.isQuantised());
    }

    @Test
    void anUnknownIdListsTheKnownOnes() {
        assertEquals("unknown dtype 'f64', known: f32, f16, bf16, fp8_e4m3, fp8_e5m2, int8",
                assertThrows(IllegalArgumentException.class, () -> DataType.ofId("f64")).getMessage());
    }
}
