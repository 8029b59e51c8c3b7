package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.DecodeLoops;
import dev.heddle.core.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Decode on vectors of 256 or 512 bits, of f32 and bf16 rows. */
final class VectorDecode implements DecodeLoops {
    private static final int LANES = Lanes.FLOATS.length();
    private static final boolean WIDE = LANES == 16;
    private static final int EIGHT = 8; // tokens of one head that a loop over f32 keys takes at once

    /** Returns whether this machine has vectors of a width that these loops are written for. */
    static boolean suits() {
        return LANES == 8 || LANES == 16;
    }

    @Override
    public boolean reads(DataType stored, int dim) {
        return (stored == DataType.F32 || stored == DataType.BF16) && dim % (2 * LANES) == 0;
    }

    @Override
    public void arrange(float[] row, int offset, float[] to, int toOffset, int dim, DataType stored) {
        if (stored == DataType.BF16) {
            Arrangement.split(row, offset, to, toOffset, dim);
        } else {
            System.arraycopy(row, offset, to, toOffset, dim);
        }
    }

    @Override
    public void restore(float[] row, int offset, float[] to, int toOffset, int dim, DataType stored) {
        if (stored == DataType.BF16) {
            Arrangement.join(row, offset, to, toOffset, dim);
        } else {
            System.arraycopy(row, offset, to, toOffset, dim);
        }
    }

    /** Heads whose lanes share a vector, of a block of one to four. */
    static int padded(int heads) {
        return heads == 3 ? 4 : heads;
    }

    @Override
    public void clear(float[] maxima, float[] sums, int offset, int group) {
        int floats = Math.ceilDiv(group, 4) * BLOCK_FLOATS;
        Arrays.fill(sums, offset, offset + floats, 0);
        Arrays.fill(maxima, offset, offset + floats, LOWEST);
        if (group % 4 == 3) { // the fourth head's lanes hold scores of 0: they must not exceed anything
            int end = offset + floats - BLOCK_FLOATS + LANES;
            Arrays.fill(maxima, end - LANES / 4, end, 0);
        }
    }

    @Override
    public int slotsTogether(int group) {
        int fewest = group % 4 == 0 ? 4 : group % 4; // heads of the last block share a vector with more tokens
        return Math.max(4, LANES / padded(fewest));
    }

    @Override
    public void scores(MemorySegment k, DataType stored, long[] rows, long step, int first, int heads,
            int from, int end, float[] q, int dim, int group, float[] scores) {
        int floats = DecodeLoops.scoreFloats(group);
        for (int slot = from; slot < end; slot += 4) {
            for (int head = 0; head < heads; head++) {
                int at = (first + head) * group * dim;
                int to = (first + head) * floats;
                for (int row = 0; row < group; row += 4) {
                    block(k, stored, rows, slot, head * step, q, at + row * dim, dim,
                            Math.min(4, group - row),
                            scores, to + row * TOKENS);
                }
            }
        }
    }

    /** Scores four slots of a block, or all that share a vector when the first of them comes. */
    private static void block(MemorySegment k, DataType stored, long[] rows, int slot, long head, float[] q,
            int at, int dim, int heads, float[] scores, int to) {
        int together = LANES / padded(heads);
        int end = together <= 4 ? slot + 4 : slot % together == 0 ? slot + together : slot;
        for (int s = slot; s < end; s += together) {
            int vector = to + s * padded(heads);
            if (stored == DataType.BF16) {
                bf16Keys(k, rows, s, head, q, at, dim, heads, scores, vector);
            } else {
                f32Keys(k, rows, s, head, q, at, dim, heads, scores, vector);
            }
        }
    }

    private static void bf16Keys(MemorySegment k, long[] rows, int slot, long head, float[] q, int at,
            int dim,
            int heads, float[] scores, int to) {
        if (WIDE) {
            switch (heads) {
                case 4 -> Bf16WideScores.four(k, rows, slot, head, q, at, dim, scores, to);
                case 3 -> Bf16WideScores.three(k, rows, slot, head, q, at, dim, scores, to);
                case 2 -> Bf16WideFewScores.two(k, rows, slot, head, q, at, dim, scores, to);
                default -> Bf16WideFewScores.one(k, rows, slot, head, q, at, dim, scores, to);
            }
        } else {
            switch (heads) {
                case 4 -> Bf16NarrowScores.four(k, rows, slot, head, q, at, dim, scores, to);
                case 3 -> Bf16NarrowScores.three(k, rows, slot, head, q, at, dim, scores, to);
                case 2 -> Bf16NarrowScores.two(k, rows, slot, head, q, at, dim, scores, to);
                default -> Bf16NarrowScores.one(k, rows, slot, head, q, at, dim, scores, to);
            }
        }
    }

    private static void f32Keys(MemorySegment k, long[] rows, int slot, long head, float[] q, int at, int dim,
            int heads, float[] scores, int to) {
        if (WIDE) {
            switch (heads) {
                case 4 -> F32WideScores.four(k, rows, slot, head, q, at, dim, scores, to);
                case 3 -> F32WideScores.three(k, rows, slot, head, q, at, dim, scores, to);
                case 2 -> F32WideScores.two(k, rows, slot, head, q, at, dim, scores, to);
                default -> { // not in narrow vectors: where C2 has seen two widths, it keeps vectors of loops as objects
                    F32WideScores.one(k, rows, slot, head, q, at, dim, scores, to);
                    F32WideScores.one(k, rows, slot + EIGHT, head, q, at, dim, scores, to + EIGHT);
                }
            }
        } else {
            switch (heads) {
                case 4 -> F32NarrowScores.four(k, rows, slot, head, q, at, dim, scores, to);
                case 3 -> F32NarrowScores.three(k, rows, slot, head, q, at, dim, scores, to);
                case 2 -> F32NarrowScores.two(k, rows, slot, head, q, at, dim, scores, to);
                default -> F32NarrowScores.one(k, rows, slot, head, q, at, dim, scores, to);
            }
        }
    }

    @Override
    public void softmax(float[] scores, int heads, int group, int tokens, float[] maxima, float[] sums,
            float[] acc, int dim) {
        for (int head = 0; head < heads; head++) {
            softmax(scores, head * DecodeLoops.scoreFloats(group), group, tokens, maxima, sums,
                    head * DecodeLoops.stateFloats(group), acc, head * group * dim, dim);
        }
    }

    private static void softmax(float[] scores, int scoresOffset, int group, int tokens, float[] maxima,
            float[] sums, int offset,
            float[] acc, int accOffset, int dim) {
        for (int first = 0, state = offset; first < group; first += 4, state += BLOCK_FLOATS) {
            int heads = Math.min(4, group - first);
            int at = scoresOffset + first * TOKENS;
            int vectors = padded(heads) * TOKENS / LANES;
            int together = LANES / padded(heads);
            for (int t = tokens; t < TOKENS; t++) {
                for (int head = 0; head < heads; head++) {
                    scores[at + t / together * LANES + head * together + t % together] =
                            Float.NEGATIVE_INFINITY;
                }
            }
            if (OnlineSoftmax.exceeds(scores, at, vectors, maxima, state)) {
                OnlineSoftmax.raise(scores, at, vectors, heads, together, maxima, sums, state, acc,
                        accOffset + first * dim, dim);
            }
            OnlineSoftmax.weights(scores, at, vectors, maxima, sums, state);
        }
    }

    @Override
    public void weigh(MemorySegment v, DataType stored, long[] rows, long step, int first, int heads,
            int from, int end, float[] p, int group, float[] acc, int dim) {
        int floats = DecodeLoops.scoreFloats(group);
        for (int slot = from; slot < end; slot += 4) {
            int last = Math.min(slot + 4, end);
            for (int head = 0; head < heads; head++) {
                int at = (first + head) * floats;
                int to = (first + head) * group * dim;
                for (int row = 0; row < group; row += 4) {
                    int block = Math.min(4, group - row);
                    BlockValues.add(v, stored, rows, head * step, slot, last, p, at + row * TOKENS, acc,
                            to + row * dim, dim, block);
                }
            }
        }
    }

    @Override
    public float maximum(float[] maxima, int offset, int group, int head) {
        int first = head & ~3;
        return maxima[offset + first / 4 * BLOCK_FLOATS
                + (head - first) * (LANES / padded(Math.min(4, group - first)))];
    }

    /** Adds the lanes of a head one after the other. */
    @Override
    public float sum(float[] sums, int offset, int group, int head) {
        int first = head & ~3;
        int together = LANES / padded(Math.min(4, group - first));
        int at = offset + first / 4 * BLOCK_FLOATS + (head - first) * together;
        float sum = 0;
        for (int t = 0; t < together; t++) {
            sum += sums[at + t];
        }
        return sum;
    }
}
