package dev.heddle.core.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import org.junit.jupiter.api.Test;

class PartialResultsTest {
    private static final float NONE = Float.NEGATIVE_INFINITY;

    private static Tensor out(float... values) {
        return Tensor.of(values, values.length / 2, 1, 2);
    }

    private static Tensor lse(float... values) {
        return Tensor.of(values, values.length, 1);
    }

    @Test
    void weightsFollowTheSumsOfExponentials() {
        Tensor into = out(1, 2, 5, 6, 0, 0, 0, 0);
        Tensor intoLse = lse((float) Math.log(3), 1, NONE, NONE);
        PartialResults.merge(into, intoLse, out(5, 10, 0, 0, 7, 8, 0, 0), lse(0, NONE, 2, NONE));
        assertArrayEquals(new float[]{2, 4, 5, 6, 7, 8, 0, 0}, HostTensors.toFloats(into), 1e-6f);
        assertArrayEquals(new float[]{(float) Math.log(4), 1, 2, NONE}, HostTensors.toFloats(intoLse), 1e-6f);
    }

    @Test
    void hugeLogitsDoNotOverflow() {
        Tensor into = out(1, 1);
        Tensor intoLse = lse(10_000);
        PartialResults.merge(into, intoLse, out(3, 3), lse(10_000));
        assertArrayEquals(new float[]{2, 2}, HostTensors.toFloats(into));
        assertEquals(10_000 + Math.log(2), HostTensors.toFloats(intoLse)[0], 1e-2);
    }

    @Test
    void shapesMustAgree() {
        String message = assertThrows(IllegalArgumentException.class,
                () -> PartialResults.merge(out(1, 2), lse(0), out(1, 2, 3, 4), lse(0))).getMessage();
        assertTrue(message.startsWith("partial results must be f32 of one shape: other output is"), message);
        assertThrows(IllegalArgumentException.class,
                () -> PartialResults.merge(out(1, 2), lse(0, 0), out(1, 2), lse(0)));
        assertThrows(IllegalArgumentException.class,
                () -> PartialResults.merge(out(1, 2), lse(0), out(1, 2), lse(0, 0)));
        assertThrows(IllegalArgumentException.class,
                () -> PartialResults.merge(lse(0), lse(0), out(1, 2), lse(0)));
    }
}
