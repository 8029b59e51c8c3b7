package dev.heddle.core.tensor;

import dev.heddle.core.Stable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads and writes elements of host tensors as floats, one at a time: for filling, checking and saving, not for
 * kernels.
 *
 * @since 0.1
 */
@Stable
public final class HostTensors {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private HostTensors() {}

    /**
     * Returns host memory of a buffer.
     *
     * @throws IllegalArgumentException if the buffer lies in another space
     */
    public static MemorySegment segment(Buffer buffer) {
        if (buffer instanceof HostBuffer host) {
            return host.segment();
        }
        throw new IllegalArgumentException(
                "host memory is needed, got a buffer in " + buffer.space()
                        + "; copy it with its space's copyToHost");
    }

    /** Returns the element of {@code dtype} at a byte offset. */
    public static float get(MemorySegment segment, DataType dtype, long byteOffset) {
        return dtype.decode(
                switch (dtype.byteSize()) {
                    case 4 -> segment.get(INT, byteOffset);
                    case 2 -> segment.get(SHORT, byteOffset);
                    default -> segment.get(ValueLayout.JAVA_BYTE, byteOffset);
                });
    }

    /** Stores the element nearest to {@code value} at a byte offset, saturating where the type is quantised. */
    public static void set(MemorySegment segment, DataType dtype, long byteOffset, float value) {
        int bits = dtype.isQuantised() ? dtype.encodeSaturating(value) : dtype.encode(value);
        switch (dtype.byteSize()) {
            case 4 -> segment.set(INT, byteOffset, bits);
            case 2 -> segment.set(SHORT, byteOffset, (short) bits);
            default -> segment.set(ValueLayout.JAVA_BYTE, byteOffset, (byte) bits);
        }
    }

    /** Returns all elements in row-major order. */
    public static float[] toFloats(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        MemorySegment segment = segment(tensor.buffer());
        int row = rowLength(tensor);
        for (int i = 0; i < values.length; i++) {
            values[i] = get(segment, tensor.dtype(), byteOffset(tensor, i / row, i % row));
        }
        return values;
    }

    /**
     * Stores values in row-major order.
     *
     * @throws IllegalArgumentException if there are not as many values as elements
     */
    public static void fill(Tensor tensor, float[] values) {
        if (values.length != tensor.elements()) {
            throw new IllegalArgumentException(
                    tensor + " has " + tensor.elements() + " elements, got " + values.length + " values");
        }
        MemorySegment segment = segment(tensor.buffer());
        int row = rowLength(tensor);
        for (int i = 0; i < values.length; i++) {
            set(segment, tensor.dtype(), byteOffset(tensor, i / row, i % row), values[i]);
        }
    }

    private static int rowLength(Tensor tensor) {
        return Math.max(1, Math.toIntExact(tensor.extent(tensor.rank() - 1)));
    }

    private static long byteOffset(Tensor tensor, int row, int column) {
        long element = column;
        long rest = row;
        for (int d = tensor.rank() - 2; d >= 0; d--) {
            element += rest % tensor.extent(d) * tensor.stride(d);
            rest /= tensor.extent(d);
        }
        return tensor.byteOffset() + element * tensor.dtype().byteSize();
    }
}
