package dev.heddle.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every bit pattern that is a number survives the way to float and back. */
class DataTypeRoundTripTest {
    @ParameterizedTest
    @EnumSource
    void everyPatternSurvives(DataType type) {
        long patterns = Math.min(1L << (8 * type.byteSize()), 1 << 20);
        int step = type == DataType.F32 ? 4093 : 1;
        for (long i = 0; i < patterns; i++) {
            int bits = (int) (i * step);
            float value = type.decode(bits);
            if (!Float.isNaN(value)) {
                assertEquals(bits, type.encode(value), () -> type + " pattern " + bits + " = " + value);
            }
        }
    }
}
