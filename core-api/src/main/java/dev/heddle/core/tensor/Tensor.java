package dev.heddle.core.tensor;

import dev.heddle.core.Stable;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A strided view of a buffer's elements. It owns nothing: closing the buffer ends every view of it.
 *
 * <p>The last dimension is always dense (stride 1); the others may have any stride, in elements.
 *
 * @since 0.1
 */
@Stable
public final class Tensor {
    private final Buffer buffer;
    private final long byteOffset;
    private final DataType dtype;
    private final long[] shape;
    private final long[] strides;
    private final boolean dense;

    private Tensor(Buffer buffer, long byteOffset, DataType dtype, long[] shape, long[] strides) {
        this.buffer = buffer;
        this.byteOffset = byteOffset;
        this.dtype = dtype;
        this.shape = shape;
        this.strides = strides;
        this.dense = Arrays.equals(strides, denseStrides(shape));
    }

    /**
     * Returns a dense row-major view of a buffer from its start.
     *
     * @param shape extents, outermost first, each 0 or more
     * @throws IllegalArgumentException if the buffer is too small; the message gives both sizes
     */
    public static Tensor of(Buffer buffer, DataType dtype, long... shape) {
        return strided(buffer, 0, dtype, shape, denseStrides(shape));
    }

    /** Returns a dense view of host memory that the caller owns. */
    public static Tensor of(MemorySegment segment, DataType dtype, long... shape) {
        return of(HostBuffer.wrap(segment), dtype, shape);
    }

    /** Returns a dense {@link DataType#F32} view of an array. */
    public static Tensor of(float[] array, long... shape) {
        return of(HostBuffer.wrap(array), DataType.F32, shape);
    }

    /**
     * Returns a strided view.
     *
     * @param byteOffset of the first element, a multiple of the element size
     * @param shape extents, outermost first
     * @param strides distances between neighbours of each dimension in elements, 0 or more; the last must be 1
     * @throws IllegalArgumentException if the shapes do not fit each other or the view leaves the buffer
     */
    public static Tensor strided(Buffer buffer, long byteOffset, DataType dtype, long[] shape,
            long[] strides) {
        if (shape.length == 0 || shape.length != strides.length) {
            throw new IllegalArgumentException(
                    "a tensor needs as many strides as extents and at least one, got shape "
                            + Arrays.toString(shape) + " and strides " + Arrays.toString(strides));
        }
        if (strides[strides.length - 1] != 1) {
            throw new IllegalArgumentException(
                    "the last dimension of a tensor must be dense (stride 1), got strides "
                            + Arrays.toString(strides));
        }
        if (byteOffset < 0 || byteOffset % dtype.byteSize() != 0) {
            throw new IllegalArgumentException("byteOffset must be a multiple of " + dtype.byteSize() + " ("
                    + dtype.id() + "), got " + byteOffset);
        }
        long end = byteEnd(byteOffset, dtype, shape, strides);
        if (end > buffer.byteSize()) {
            throw new IllegalArgumentException("a " + dtype.id() + " tensor of shape "
                    + Arrays.toString(shape)
                    + " and strides " + Arrays.toString(strides) + " at byte " + byteOffset + " needs " + end
                    + " bytes, the buffer has " + buffer.byteSize());
        }
        return new Tensor(buffer, byteOffset, dtype, shape.clone(), strides.clone());
    }

    private static long byteEnd(long byteOffset, DataType dtype, long[] shape, long[] strides) {
        long last = 0;
        boolean empty = false;
        try {
            for (int i = 0; i < shape.length; i++) {
                if (shape[i] < 0 || strides[i] < 0) {
                    throw new IllegalArgumentException("extents and strides must be 0 or more, got shape "
                            + Arrays.toString(shape) + " and strides " + Arrays.toString(strides));
                }
                empty |= shape[i] == 0;
                last = Math.addExact(last, Math.multiplyExact(Math.max(shape[i] - 1, 0), strides[i]));
            }
            return empty
                    ? byteOffset
                    : Math.addExact(byteOffset, Math.multiplyExact(Math.addExact(last, 1), dtype.byteSize()));
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("a tensor of shape " + Arrays.toString(shape) + " and strides "
                    + Arrays.toString(strides) + " is larger than 2^63 bytes", e);
        }
    }

    private static long[] denseStrides(long[] shape) {
        long[] strides = new long[shape.length];
        long stride = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            strides[i] = stride;
            try {
                stride = Math.multiplyExact(stride, Math.max(shape[i], 1));
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException(
                        "shape " + Arrays.toString(shape) + " has over 2^63 elements", e);
            }
        }
        return strides;
    }

    /** Returns the buffer that this is a view of. */
    public Buffer buffer() {
        return buffer;
    }

    /** Returns where the first element lies in the buffer, in bytes. */
    public long byteOffset() {
        return byteOffset;
    }

    /** Returns the element type. */
    public DataType dtype() {
        return dtype;
    }

    /** Returns the number of dimensions. */
    public int rank() {
        return shape.length;
    }

    /** Returns the extent of a dimension, 0 being the outermost. */
    public long extent(int dimension) {
        return shape[dimension];
    }

    /** Returns the distance between neighbours of a dimension, in elements. */
    public long stride(int dimension) {
        return strides[dimension];
    }

    /** Returns a copy of the extents. */
    public long[] shape() {
        return shape.clone();
    }

    /** Returns the product of the extents. */
    public long elements() {
        long product = 1;
        for (long extent : shape) {
            product *= extent;
        }
        return product;
    }

    /** Returns whether elements follow each other without gaps in row-major order. */
    public boolean isDense() {
        return dense;
    }

    /** Returns whether the extents are these. */
    public boolean hasShape(long first, long second) {
        return shape.length == 2 && shape[0] == first && shape[1] == second;
    }

    /** Returns whether the extents are these. */
    public boolean hasShape(long first, long second, long third) {
        return shape.length == 3 && shape[0] == first && shape[1] == second && shape[2] == third;
    }

    /** Returns dtype, shape, strides where not dense, and space, for messages. */
    @Override
    public String toString() {
        return dtype.id() + Arrays.toString(shape) + (dense ? "" : " strides " + Arrays.toString(strides))
                + " in "
                + buffer.space();
    }
}
