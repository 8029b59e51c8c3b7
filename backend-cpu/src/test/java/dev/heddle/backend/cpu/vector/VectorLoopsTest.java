package dev.heddle.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.backend.cpu.scalar.ScalarLoops;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each vector loop against its scalar reading copy. */
class VectorLoopsTest {
    private final VectorLoops vector = new VectorLoops();
    private final ScalarLoops scalar = new ScalarLoops();

    private static float[] random(long seed, int count, float low, float high) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = low + (high - low) * random.nextFloat();
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 16, 48, 128, 514 / 16 * 16})
    void scalingIsTheSameBitForBit(int count) {
        float[] fast = random(count, count + 9, -3, 3);
        float[] plain = fast.clone();
        vector.scale(fast, 4, count, 0.3f);
        scalar.scale(plain, 4, count, 0.3f);
        assertArrayEquals(plain, fast);
        assertEquals(random(count, 1, -3, 3)[0], fast[0], "beside the row");
    }
}
