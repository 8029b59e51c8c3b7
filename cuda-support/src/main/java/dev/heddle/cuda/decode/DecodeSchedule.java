package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import java.util.Arrays;

/**
 * How a batch is cut into work units, one for each CTA: the rows of one tile against a range of KV tokens.
 *
 * <p>With few rows each sequence is cut so that every multiprocessor has one part and none waits for a second round;
 * with many, only sequences much longer than a fair share are cut. Long parts come first, since the hardware hands
 * units out in order.
 *
 * @since 0.1
 */
@Evolving
public final class DecodeSchedule {
    /** Ints of one unit, as the kernel reads it. */
    public static final int UNIT_INTS = 12;

    /** Place of a unit's counter; negative: no work. */
    public static final int COUNTER = 11;

    /** KV tokens below which a part is not worth its merge: one tile for each of eight warps. */
    public static final int LEAST_TOKENS = 256;

    /** KV tokens that parts are multiples of: whole tiles of every kernel. */
    public static final int GRAIN = 32;

    /**
     * KV tokens of a part where its size must not depend on the batch, to the nearest number of parts. Few enough for 8
     * requests of 4096 tokens to fill a device once, many enough for merges to be noise in a batch that fills it often.
     */
    public static final int FIXED_TOKENS = 1024;

    /** Units of a tile of rows that occupy a device: longer sequences get larger parts, not more. */
    private static final int FIXED_UNITS = 256;

    private static final int MOST_FIXED_PARTS = 32;

    private final int[] units;
    private final int count;
    private final int slots;
    private final int counters;
    private final int maxParts;

    private DecodeSchedule(int[] units, int count, int slots, int counters, int maxParts) {
        this.units = units;
        this.count = count;
        this.slots = slots;
        this.counters = counters;
        this.maxParts = maxParts;
    }

    /**
     * Cuts a batch.
     *
     * <p>If the spec asks for {@link Determinism#BATCH_INVARIANT}, a sequence's cut depends on its own length only.
     *
     * @param choice the kernel, and the requests that take it
     * @param atOnce CTAs that run at once
     * @param forced parts of each sequence, 0 for as many as pay
     * @param mostParts parts that a merge can hold
     */
    public static DecodeSchedule of(
            AttentionSpec spec, BatchShape batch, KernelChoice choice, int atOnce, int forced,
            int mostParts) {
        int rows = choice.kernel().rows();
        int group = spec.groupSize();
        int requests = batch.batchSize();
        int[] tiles = new int[requests];
        int[] first = new int[requests];
        int[] seen = new int[requests];
        long columns = 0;
        for (int i = 0; i < requests; i++) {
            tiles[i] = choice.has(i) ? Math.ceilDiv(batch.qoLen(i) * group, rows) : 0;
            first[i] = firstVisible(spec, batch, i);
            seen[i] = batch.kvLen(i) - first[i];
            columns += (long) tiles[i] * spec.numKvHeads();
        }
        boolean fixed = spec.determinism() == Determinism.BATCH_INVARIANT;
        int tokens = forced > 0 || fixed ? 0 : tokensPerPart(spec, tiles, seen, columns, atOnce);
        int[] parts = new int[requests];
        long count = 0;
        for (int i = 0; i < requests; i++) {
            int most = Math.clamp(Math.ceilDiv(seen[i], GRAIN), 1, mostParts);
            int wanted = forced > 0 ? forced
                    : fixed ? fixedParts(spec, seen[i]) : Math.ceilDiv(seen[i], Math.max(1, tokens));
            parts[i] = Math.clamp(wanted, 1, most);
            count += (long) parts[i] * tiles[i] * spec.numKvHeads();
        }
        return build(spec, batch, rows, new Cut(tiles, first, seen, parts), Math.toIntExact(count));
    }

    /** Returns the parts of a sequence, a function of its length and the spec only. */
    private static int fixedParts(AttentionSpec spec, int seen) {
        int most = Math.max(MOST_FIXED_PARTS, FIXED_UNITS / spec.numKvHeads());
        return Math.min(most, (seen + FIXED_TOKENS / 2) / FIXED_TOKENS);
    }

    private record Cut(int[] tiles, int[] first, int[] seen, int[] parts) {}

    private static DecodeSchedule build(AttentionSpec spec, BatchShape batch, int rows, Cut cut,
            int count) {
        int[] units = new int[Math.multiplyExact(count, UNIT_INTS)];
        int heads = spec.numKvHeads();
        int at = 0;
        int slots = 0;
        int counters = 0;
        int maxParts = 1;
        for (int i : longestFirst(cut)) {
            if (cut.tiles()[i] == 0) {
                continue;
            }
            int seen = cut.seen()[i];
            int first = cut.first()[i];
            // Whole tiles of tokens for each part, and no empty one at the end.
            int tokens = Math.ceilDiv(Math.ceilDiv(seen, GRAIN), cut.parts()[i]) * GRAIN;
            int parts = Math.max(1, Math.ceilDiv(seen, Math.max(1, tokens)));
            maxParts = Math.max(maxParts, parts);
            int split = parts > 1 ? 1 : 0;
            int row = batch.qoIndptr(i);
            int qoLen = batch.qoLen(i);
            int kvLen = batch.kvLen(i);
            int pages = batch.pageTable().kvIndptr(i);
            for (int tile = 0; tile < cut.tiles()[i]; tile++) {
                for (int head = 0; head < heads; head++) {
                    for (int part = 0; part < parts; part++) {
                        units[at] = row;
                        units[at + 1] = qoLen;
                        units[at + 2] = kvLen;
                        units[at + 3] = pages;
                        units[at + 4] = head;
                        units[at + 5] = tile * rows;
                        units[at + 6] = first + part * tokens;
                        units[at + 7] = first + Math.min(seen, (part + 1) * tokens);
                        units[at + 8] = part;
                        units[at + 9] = parts;
                        units[at + 10] = slots;
                        units[at + 11] = counters;
                        at += UNIT_INTS;
                    }
                    slots += split * parts;
                    counters += split;
                }
            }
        }
        return new DecodeSchedule(units, at / UNIT_INTS, slots, counters, maxParts);
    }

    /** Returns the tokens of a part such that one round of CTAs does everything, if the rows alone do not fill it. */
    private static int tokensPerPart(AttentionSpec spec, int[] tiles, int[] seen, long columns, int atOnce) {
        int longest = 1;
        for (int tokens : seen) {
            longest = Math.max(longest, tokens);
        }
        if (columns >= atOnce) {
            long all = 0;
            for (int i = 0; i < seen.length; i++) {
                all += (long) seen[i] * tiles[i] * spec.numKvHeads();
            }
            // A sequence of twice the fair share would still be running when the others are done.
            long share = Math.ceilDiv(all, atOnce);
            return Math.clamp(2 * share, LEAST_TOKENS, Math.max(LEAST_TOKENS, longest));
        }
        int low = LEAST_TOKENS;
        int high = Math.max(low, longest);
        while (low < high) {
            int middle = (low + high) >>> 1;
            long units = 0;
            for (int i = 0; i < seen.length; i++) {
                units += (long) Math.max(1, Math.ceilDiv(seen[i], middle)) * tiles[i] * spec.numKvHeads();
            }
            if (units <= atOnce) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private static int[] longestFirst(Cut cut) {
        int requests = cut.parts().length;
        int[] order = new int[requests];
        long[] keys = new long[requests];
        boolean sorted = true;
        for (int i = 0; i < requests; i++) {
            int length = Math.ceilDiv(cut.seen()[i], cut.parts()[i]);
            keys[i] = (long) -length << 32 | i;
            sorted &= i == 0 || keys[i - 1] <= keys[i];
        }
        if (!sorted) {
            Arrays.sort(keys);
        }
        for (int i = 0; i < requests; i++) {
            order[i] = (int) keys[i];
        }
        return order;
    }

    /** Returns the first token that any row of a request sees. */
    private static int firstVisible(AttentionSpec spec, BatchShape batch, int request) {
        if (spec.windowLeft() < 0) {
            return 0;
        }
        long first = (long) batch.kvLen(request) - batch.qoLen(request) - spec.windowLeft();
        // Whole tiles, so that results do not depend on where the window begins within one.
        return Math.clamp(first, 0, batch.kvLen(request)) / GRAIN * GRAIN;
    }

    /** Returns the units, {@link #UNIT_INTS} ints each. */
    public int[] units() {
        return units;
    }

    /** Returns how many units there are. */
    public int count() {
        return count;
    }

    /** Returns how many parts the workspace holds. */
    public int slots() {
        return slots;
    }

    /** Returns how many rows of tiles are split. */
    public int counters() {
        return counters;
    }

    /** Returns the most parts of a row. */
    public int maxParts() {
        return maxParts;
    }
}
