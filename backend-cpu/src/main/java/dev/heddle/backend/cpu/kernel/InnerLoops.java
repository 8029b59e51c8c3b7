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

    /** Tokens that are widened and scored together. */
    int TOKENS = 16;

    /** Returns what to call these loops in reports: {@code vector 512 bit}, {@code scalar}. */
    String name();

    /** Widens {@code count} stored elements to f32. */
    void widen(MemorySegment source, long byteOffset, DataType dtype, float[] target, int targetOffset,
            int count);

    /**
     * Computes {@code scores[t] = dot(q, k[t])} for {@code TOKENS} rows of keys.
     *
     * @param dim padded head dim, also the distance between rows of {@code k}
     */
    void scores(float[] q, int qOffset, float[] k, int dim, float[] scores, int scoresOffset);

    /**
     * Replaces {@code TOKENS} scores by {@code 2^(score - max)} and returns their sum. Scores of −∞ become 0.
     */
    float exponentials(float[] scores, int offset, float max);

    /**
     * Adds {@code p[t] * v[t]} for tokens {@code from .. to} to an accumulator row.
     *
     * @param dim padded head dim, also the distance between rows of {@code v}
     */
    void accumulate(float[] p, int pOffset, int from, int to, float[] v, int dim, float[] acc, int accOffset);

    /** Multiplies {@code count} elements, a multiple of {@link #PADDING}, by a factor. */
    void scale(float[] values, int offset, int count, float factor);

    /** Stores {@code count} elements, rounded to the nearest of a type, ties to even. */
    void store(float[] values, int offset, int count, MemorySegment target, long byteOffset, DataType dtype);

    /** Returns loops for single query rows, or null where one row is computed like several. */
    @Nullable
    DecodeLoops decode();
}
