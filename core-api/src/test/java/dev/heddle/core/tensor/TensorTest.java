package dev.heddle.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class TensorTest {
    private static final HostBuffer BYTES = HostBuffer.wrap(new byte[64]);

    private static String refused(long byteOffset, long[] shape, long[] strides) {
        return assertThrows(IllegalArgumentException.class,
                () -> Tensor.strided(BYTES, byteOffset, DataType.F16, shape, strides)).getMessage();
    }

    @Test
    void boundsAreCheckedToTheByte() {
        assertEquals(32, Tensor.of(BYTES, DataType.F16, 4, 8).elements());
        assertEquals(
                "a f16 tensor of shape [4, 8] and strides [8, 1] at byte 2 needs 66 bytes, the buffer has 64",
                refused(2, new long[]{4, 8}, new long[]{8, 1}));
        Tensor exact = Tensor.strided(BYTES, 8, DataType.F16, new long[]{3, 4}, new long[]{12, 1});
        assertFalse(exact.isDense());
        assertEquals("f16[3, 4] strides [12, 1] in host", exact.toString());
        assertThrows(IllegalArgumentException.class,
                () -> Tensor.strided(BYTES, 10, DataType.F16, new long[]{3, 4}, new long[]{12, 1}));
    }

    @Test
    void malformedShapesAreNamed() {
        assertEquals(
                "a tensor needs as many strides as extents and at least one, got shape [2] and strides [2, 1]",
                refused(0, new long[]{2}, new long[]{2, 1}));
        assertTrue(refused(0, new long[0], new long[0]).contains("at least one"));
        assertEquals("the last dimension of a tensor must be dense (stride 1), got strides [2]",
                refused(0, new long[]{2}, new long[]{2}));
        assertEquals("byteOffset must be a multiple of 2 (f16), got 1",
                refused(1, new long[]{2}, new long[]{1}));
        assertEquals("byteOffset must be a multiple of 2 (f16), got -2",
                refused(-2, new long[]{2}, new long[]{1}));
        assertEquals("extents and strides must be 0 or more, got shape [-1, 2] and strides [2, 1]",
                refused(0, new long[]{-1, 2}, new long[]{2, 1}));
        assertEquals("extents and strides must be 0 or more, got shape [1, 2] and strides [-2, 1]",
                refused(0, new long[]{1, 2}, new long[]{-2, 1}));
    }

    @Test
    void overflowIsNotABufferThatFits() {
        assertTrue(refused(0, new long[]{3, 2}, new long[]{Long.MAX_VALUE, 1})
                .contains("larger than 2^63 bytes"));
        assertTrue(refused(0, new long[]{Long.MAX_VALUE}, new long[]{1}).contains("larger than 2^63 bytes"));
        assertEquals("shape [4611686018427387904, 4, 2] has over 2^63 elements",
                assertThrows(IllegalArgumentException.class,
                        () -> Tensor.of(BYTES, DataType.F16, 1L << 62, 4, 2)).getMessage());
    }

    @Test
    void emptyTensorsNeedNoBytes() {
        Tensor empty = Tensor.of(BYTES, DataType.F32, 0, 1 << 20, 128);
        assertEquals(0, empty.elements());
        assertEquals(0, HostTensors.toFloats(empty).length);
    }

    @Test
    void shapeIsACopyAndElementsRoundTripThroughStrides() {
        long[] shape = {2, 3};
        Tensor tensor =
                Tensor.strided(HostBuffer.wrap(new short[16]), 4, DataType.BF16, shape, new long[]{8, 1});
        shape[0] = 9;
        tensor.shape()[0] = 9;
        assertEquals(2, tensor.extent(0));
        assertTrue(tensor.hasShape(2, 3));
        float[] values = {1, 2, 3, -4, 5.5f, 6};
        HostTensors.fill(tensor, values);
        assertArrayEquals(values, HostTensors.toFloats(tensor));
        assertEquals(-4, HostTensors.get(HostTensors.segment(tensor.buffer()), DataType.BF16, 4 + 16));
        assertEquals("bf16[2, 3] strides [8, 1] in host has 6 elements, got 1 values",
                assertThrows(IllegalArgumentException.class, () -> HostTensors.fill(tensor, new float[1]))
                        .getMessage());
    }
}
