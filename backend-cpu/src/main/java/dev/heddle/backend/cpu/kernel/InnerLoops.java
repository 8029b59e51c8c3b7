package dev.heddle.backend.cpu.kernel;

import dev.heddle.core.tensor.DataType;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Inner loops over rows of f32 scratch. Rows are padded with zeros to {@link #PADDING} elements, so loops over a
 * padded dim need no tail. Implementations keep no state.
 */
public interface InnerLoops {
    /** Rows of scratch are multiples of this many elements: two of the widest vectors of any CPU. */
    int PADDING = 32;

    /** Tokens that decode widens together. */
    int TOKENS = 16;

    /** Returns what to call these loops in reports: {@code vector 512 bit}, {@code scalar}. */
    String name();

    /**
     * Widens {@code count} stored elements to f32.
     *
     * @param halves scratch of {@code count} elements at least
     */
    void widen(MemorySegment source, long byteOffset, DataType dtype, float[] target, int targetOffset,
            int count, short[] halves);

    /** Multiplies {@code count} elements, a multiple of {@link #PADDING}, by a factor. */
    void scale(float[] values, int offset, int count, float factor);

    /** Makes of each of {@code count} elements {@code into · a + next · b}; a multiple of {@link #PADDING}. */
    void combine(float[] into, int intoOffset, float a, float[] next, int nextOffset, float b, int count);

    /** Stores {@code count} elements, rounded to the nearest of a type, ties to even. */
    void store(float[] values, int offset, int count, MemorySegment target, long byteOffset, DataType dtype);

    /** Returns loops for tiles of query rows. */
    PrefillLoops prefill();

    /** Returns loops for single query rows, or null where one row is computed like several. */
    @Nullable
    DecodeLoops decode();
}
