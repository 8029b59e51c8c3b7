package dev.heddle.backend.cpu.kernel;

import dev.heddle.core.tensor.DataType;
import java.lang.foreign.MemorySegment;

/**
 * Inner loops for one query row: a tile of tokens with all heads that share its keys and values, read where they are
 * stored. Heads are taken in blocks of up to four. How scores lie in their array is the business of the
 * implementation; callers only pass it on. Implementations keep no state.
 */
public interface DecodeLoops {
    /** Slots of a tile. Slots beyond its tokens hold the address of any of them. */
    int TOKENS = 16;

    /** Floats of maxima, and of sums, that a block of four heads needs. */
    int BLOCK_FLOATS = 16;

    /** What a maximum is before any score: low enough for every finite score, and finite, so that it subtracts. */
    float LOWEST = -0x1p126f;

    /** Returns whether rows of this type and dim can be read as they are stored. */
    boolean reads(DataType stored, int dim);

    /** Copies a row of q into the order that {@link #scores} wants beside keys of a type. */
    void arrange(float[] row, int offset, float[] to, int toOffset, int dim, DataType stored);

    /** Copies an accumulator row of {@link #weigh} back into the order of the elements. */
    void restore(float[] row, int offset, float[] to, int toOffset, int dim, DataType stored);

    /** Makes maxima and sums those of a group that has seen no key. */
    void clear(float[] maxima, float[] sums, int offset, int group);

    /** Returns the floats that scores of a KV head take. */
    static int scoreFloats(int group) {
        return Math.ceilDiv(group, 4) * 4 * TOKENS;
    }

    /** Returns the floats that maxima, or sums, of a KV head take. */
    static int stateFloats(int group) {
        return Math.ceilDiv(group, 4) * BLOCK_FLOATS;
    }

    /** Returns of how many slots, from a multiple of it, the keys must be there at once. */
    int slotsTogether(int group);

    /**
     * Computes q·k of some KV heads with some slots, four slots after the other and heads inside.
     *
     * @param rows where the slots' keys of the first of these heads start in {@code k}, in bytes
     * @param step distance between KV heads, in bytes
     * @param first where these heads' rows stand in {@code q} and {@code scores}, counted in KV heads
     * @param from first slot, a multiple of {@link #slotsTogether}, as is {@code end}
     * @param q {@code group} arranged rows for each head, {@code dim} apart
     * @param scores {@link #scoreFloats} for each head
     */
    void scores(MemorySegment k, DataType stored, long[] rows, long step, int first, int heads, int from,
            int end, float[] q, int dim, int group, float[] scores);

    /**
     * Replaces scores, in units of log2, by weights {@code 2^(score - maximum)} and adds them to the sums. A maximum
     * is raised, and accumulators and sums rescaled, only when a score exceeds it by so much that weights might
     * overflow.
     *
     * @param tokens slots that hold a token; the others weigh nothing
     * @param maxima {@link #stateFloats} for each head
     * @param sums as maxima
     * @param acc {@code group} accumulator rows for each head, {@code dim} apart
     */
    void softmax(float[] scores, int heads, int group, int tokens, float[] maxima, float[] sums, float[] acc,
            int dim);

    /** Adds p·v of the slots from a multiple of 4 on to the accumulators of some heads, in the order of scores. */
    void weigh(MemorySegment v, DataType stored, long[] rows, long step, int first, int heads, int from,
            int end, float[] p, int group, float[] acc, int dim);

    /** Returns the maximum of a head. */
    float maximum(float[] maxima, int offset, int group, int head);

    /** Returns the sum of a head's weights. */
    float sum(float[] sums, int offset, int group, int head);
}
