package dev.heddle.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Many elements at once become what each becomes alone, to the bit. */
class RowLoopsTest {
    private static final int RANDOM = 4000;
    private static final int AT = 12; // bytes before the row

    private static float[] values() {
        float[] special = {0, -0f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY,
                Float.MIN_VALUE, 447, 449,
                464, 465, 57344, 61440, 65504, 65520, -448, -465, 127.5f, -128.5f, -1e30f, 0x1p-9f, 0x1p-10f,
                0x1.8p-10f,
                0x1p-17f};
        Random random = new Random(1);
        float[] values = new float[special.length + RANDOM];
        System.arraycopy(special, 0, values, 0, special.length);
        for (int i = special.length; i < values.length; i++) {
            values[i] = i % 2 == 0 ? Float.intBitsToFloat(random.nextInt())
                    : (float) (30 * random.nextGaussian());
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource
    void storedAsOneByOne(DataType dtype) {
        float[] values = values();
        int size = dtype.byteSize();
        for (float scale : new float[]{1, 0.3f}) {
            byte[] together = new byte[AT + (values.length + 1) * size];
            byte[] alone = together.clone();
            HostTensors.set(MemorySegment.ofArray(together), dtype, AT, values, 3, values.length - 3, scale);
            for (int i = 3; i < values.length; i++) {
                HostTensors.set(MemorySegment.ofArray(alone), dtype, AT + (i - 3) * size, values[i] / scale);
            }
            assertArrayEquals(alone, together);
        }
    }

    @ParameterizedTest
    @EnumSource
    void readAsOneByOne(DataType dtype) {
        byte[] bytes = new byte[AT + RANDOM * dtype.byteSize()];
        new Random(2).nextBytes(bytes);
        MemorySegment segment = MemorySegment.ofArray(bytes);
        float[] together = new float[RANDOM + 5];
        float[] alone = new float[RANDOM + 5];
        HostTensors.get(segment, dtype, AT, together, 5, RANDOM, 0.3f);
        for (int i = 0; i < RANDOM; i++) {
            alone[5 + i] = HostTensors.get(segment, dtype, AT + i * dtype.byteSize()) * 0.3f;
        }
        assertArrayEquals(alone, together);
        assertThrows(IndexOutOfBoundsException.class,
                () -> HostTensors.get(segment, dtype, AT, together, 0, RANDOM + 1, 1));
    }

    @ParameterizedTest
    @EnumSource
    void roundedAsOneByOne(DataType dtype) {
        float[] values = values();
        float[] together = values.clone();
        dtype.round(together);
        for (int i = 0; i < values.length; i++) {
            assertEquals(Float.floatToIntBits(dtype.round(values[i])), Float.floatToIntBits(together[i]),
                    dtype + " " + values[i]);
        }
    }
}
