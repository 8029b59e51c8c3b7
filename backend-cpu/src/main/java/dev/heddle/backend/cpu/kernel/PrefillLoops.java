package dev.heddle.backend.cpu.kernel;

/**
 * Loops over a tile of query rows and a tile of tokens, both in f32 scratch. Scores and weights lie transposed,
 * {@code [TOKENS + SPARE][STRIDE]} with a row in each lane, so that keys are taken as they are stored and softmax needs no
 * shuffles. That also is the order in which products with values read them. Each row's result is computed by the same
 * operations in the same order, whatever rows lie beside it. Implementations keep no state.
 *
 * <p>A row sees the tokens {@code from[row] .. to[row]} of the tile, none if they are equal. Rows are padded to
 * {@link #padded}: {@code from} and {@code to} repeat the last row's there.
 */
public interface PrefillLoops {
    /** Most tokens of a tile: a multiple of all blocks of tokens, and enough of them to keep sums in registers. */
    int TOKENS = 96;

    /** Most rows of a tile: enough that widening keys and values costs little beside the products. */
    int ROWS = 256;

    /** Tokens whose scores have room beyond those of a tile, to compute in. */
    int SPARE = 6;

    /** Products of a score that f32 queries deserve to be added up alone: fewer roundings in a row. */
    int SEGMENT = 32;

    /** Distance of two tokens' scores: not a multiple of 4096 bytes' divisors, or they would share cache sets. */
    int STRIDE = ROWS + 16;

    /** What a maximum is before the first score: finite, so that it subtracts. */
    float LOWEST = -0x1p126f;

    /** Returns how many rows scratch must hold for so many. */
    static int padded(int rows) {
        return Math.ceilDiv(rows, 16) * 16;
    }

    /** Copies rows of q into the order that {@link #scores} wants; {@link #padded} rows are written. */
    void arrange(float[] q, int at, int rows, int dim, float[] queries, int to);

    /**
     * Computes the scores of all tokens that a row beside it sees; others are left as they are.
     *
     * @param segment how many products are added up in a row; the sums of segments are added then
     */
    void scores(float[] queries, int at, int rows, float[] keys, int dim, int segment, int[] from, int[] to,
            float[] scores);

    /** Replaces scores by {@code cap · tanh(score / cap)}. */
    void cap(float[] scores, int rows, int[] from, int[] to, float cap);

    /**
     * Adds {@code slopes[row] · (token + offsets[row])}.
     *
     * @param slopes {@link #padded}, as are offsets
     */
    void bias(float[] scores, int rows, int[] from, int[] to, float[] slopes, float[] offsets);

    /**
     * Replaces scores, in units of log2, by weights {@code 2^(score - maximum)}, zero for tokens that the row does not
     * see, and adds them to the sums. A maximum is raised, and the row's accumulators and sum rescaled, only when a
     * score exceeds it by so much that weights might overflow.
     *
     * @param maxima {@link #padded}, as are sums
     * @param acc accumulator rows, {@code dim} apart, from {@code accAt} on; zero while a row has seen no key
     */
    void softmax(float[] scores, int rows, int tokens, int[] from, int[] to, float[] maxima, float[] sums,
            float[] acc, int accAt, int dim);

    /** Copies a row of V into the order that {@link #weigh} wants. */
    void keep(float[] row, int dim, float[] values, int token);

    /** Returns whether all values of some tokens are finite. */
    boolean finite(float[] values, int tokens, int dim);

    /** Adds p·v to all rows' accumulators. Also touches values that a row does not see: they must be finite. */
    void weigh(float[] p, int rows, float[] values, int dim, int[] from, int[] to, float[] acc, int accAt);

    /** Adds p·v of some tokens to one row's accumulators, bit for bit as {@link #weigh} does. */
    void weighRow(float[] p, int row, float[] values, int dim, int from, int to, float[] acc, int accAt);
}
