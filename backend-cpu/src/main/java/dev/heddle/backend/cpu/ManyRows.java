package dev.heddle.backend.cpu;

/** A kernel for several query rows with one KV head over a chunk of keys. */
interface ManyRows {
    /** Returns whether queries come multiplied by the scale of their scores. */
    boolean wantsScaledQueries();

    /** Takes a tile's queries from {@code scratch.q}. */
    void load(Scratch scratch, int tile, int kvHead);

    /** Computes the partial result of a chunk into {@code scratch.chunk}, which is clear. */
    void chunk(Scratch scratch, int tile, int kvHead, int chunk);
}
