package dev.heddle.core.tensor;

import dev.heddle.core.Stable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads and writes elements of host tensors as floats: for filling, checking and saving, not for kernels.
 *
 * @since 0.1
 */
@Stable
public final class HostTensors {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

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
                    default -> segment.get(BYTE, byteOffset);
                });
    }

    /** Stores the element nearest to {@code value} at a byte offset, saturating where the type is quantised. */
    public static void set(MemorySegment segment, DataType dtype, long byteOffset, float value) {
        int bits = dtype.isQuantised() ? dtype.encodeSaturating(value) : dtype.encode(value);
        switch (dtype.byteSize()) {
            case 4 -> segment.set(INT, byteOffset, bits);
            case 2 -> segment.set(SHORT, byteOffset, (short) bits);
            default -> segment.set(BYTE, byteOffset, (byte) bits);
        }
    }

    /**
     * Reads elements that lie one after the other, each times a scale.
     *
     * @param byteOffset of the first element
     * @param target takes them from {@code target[offset]} on
     * @param count how many, 0 or more
     * @throws IndexOutOfBoundsException if the segment or the array has fewer
     */
    public static void get(MemorySegment segment, DataType dtype, long byteOffset, float[] target, int offset,
            int count, float scale) {
        RowLoops.read(segment, dtype, byteOffset, target, offset, count, scale);
    }

    /**
     * Stores the elements nearest to values divided by a scale, one after the other, saturating where the type is
     * quantised.
     *
     * @param byteOffset of the first element
     * @param source has the values from {@code source[offset]} on
     * @param count how many, 0 or more
     * @throws IndexOutOfBoundsException if the segment or the array has fewer
     */
    public static void set(MemorySegment segment, DataType dtype, long byteOffset, float[] source, int offset,
            int count, float scale) {
        RowLoops.write(segment, dtype, byteOffset, source, offset, count, scale);
    }

    /** Returns all elements in row-major order. */
    public static float[] toFloats(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        MemorySegment segment = segment(tensor.buffer());
        int row = rowLength(tensor);
        for (int i = 0; i < values.length; i += row) {
            get(segment, tensor.dtype(), byteOffset(tensor, i / row), values, i, row, 1);
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
        for (int i = 0; i < values.length; i += row) {
            set(segment, tensor.dtype(), byteOffset(tensor, i / row), values, i, row, 1);
        }
    }

    private static int rowLength(Tensor tensor) {
        return Math.max(1, Math.toIntExact(tensor.extent(tensor.rank() - 1)));
    }

    /** Where a row begins; its elements are neighbours in every tensor. */
    private static long byteOffset(Tensor tensor, int row) {
        long element = 0;
        long rest = row;
        for (int d = tensor.rank() - 2; d >= 0; d--) {
            element += rest % tensor.extent(d) * tensor.stride(d);
            rest /= tensor.extent(d);
        }
        return tensor.byteOffset() + element * tensor.dtype().byteSize();
    }
}
