package dev.heddle.backend.cpu;

/** A kernel for one query row with several KV heads over a chunk of keys. */
interface SingleRow {
    /** Returns whether queries come multiplied by the scale of their scores. */
    boolean wantsScaledQueries();

    /** Copies a row of q into the order that the kernel wants. */
    void arrange(float[] row, float[] to, int at);

    /** Copies an accumulator row back into the order of its elements. */
    void restore(float[] state, int at, float[] to);

    /** Computes the partial result of a chunk into {@code scratch.chunk}, whose accumulators are zero. */
    void chunk(Scratch scratch, int tile, int headFrom, int headTo, int chunk);
}
