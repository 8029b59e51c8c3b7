package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
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
     * @param rows rows of a tile
     * @param cluster CTAs that merge among themselves: parts are made in multiples of it
     * @param atOnce CTAs that run at once
     * @param forced parts of each sequence, 0 for as many as pay
     * @param mostParts parts that a merge can hold
     */
    public static DecodeSchedule of(
            AttentionSpec spec, BatchShape batch, int rows, int cluster, int atOnce, int forced,
            int mostParts) {
        int group = spec.groupSize();
        int requests = batch.batchSize();
        int[] tiles = new int[requests];
        int[] first = new int[requests];
        int[] seen = new int[requests];
        long columns = 0;
        for (int i = 0; i < requests; i++) {
            tiles[i] = Math.ceilDiv(batch.qoLen(i) * group, rows);
            first[i] = firstVisible(spec, batch, i);
            seen[i] = batch.kvLen(i) - first[i];
            columns += (long) tiles[i] * spec.numKvHeads();
        }
        int tokens = forced > 0 ? 0 : tokensPerPart(spec, tiles, seen, columns, cluster, atOnce);
        int[] parts = new int[requests];
        long count = 0;
        for (int i = 0; i < requests; i++) {
            int most = Math.clamp(Math.ceilDiv(seen[i], GRAIN), 1, mostParts);
            int wanted = forced > 0 ? forced : Math.ceilDiv(seen[i], Math.max(1, tokens));
            parts[i] = whole(Math.clamp(wanted, 1, most), cluster);
            count += (long) parts[i] * tiles[i] * spec.numKvHeads();
        }
        return build(spec, batch, rows, cluster, new Cut(tiles, first, seen, parts), Math.toIntExact(count));
    }

    private record Cut(int[] tiles, int[] first, int[] seen, int[] parts) {}

    /** Returns the CTAs of whole clusters that so many parts take. */
    private static int whole(int parts, int cluster) {
        return Math.ceilDiv(parts, cluster) * cluster;
    }

    private static DecodeSchedule build(
            AttentionSpec spec, BatchShape batch, int rows, int cluster, Cut cut, int count) {
        int[] units = new int[Math.multiplyExact(count, UNIT_INTS)];
        int at = 0;
        int slots = 0;
        int counters = 0;
        int maxParts = 1;
        for (int i : longestFirst(cut)) {
            int parts = cut.parts()[i];
            // Whole tiles of tokens for each part, and no empty one at the end.
            int tokens =
                    Math.ceilDiv(Math.ceilDiv(cut.seen()[i], GRAIN), parts) * GRAIN;
            parts = whole(Math.max(1, Math.ceilDiv(cut.seen()[i], Math.max(1, tokens))), cluster);
            maxParts = cut.tiles()[i] > 0 ? Math.max(maxParts, parts) : maxParts;
            int merged = parts / cluster; // what is left to merge through the workspace
            int heads = spec.numKvHeads();
            for (int tile = 0; tile < cut.tiles()[i]; tile++) {
                // All heads of a page are near each other in memory: they are read at the same time.
                for (int piece = 0; piece < merged; piece++) {
                    for (int unit = 0; unit < heads * cluster; unit++) {
                        int head = unit / cluster;
                        int part = piece * cluster + unit % cluster;
                        int from = cut.first()[i] + Math.min(cut.seen()[i], part * tokens);
                        int to = cut.first()[i] + Math.min(cut.seen()[i], (part + 1) * tokens);
                        units[at] = batch.qoIndptr(i);
                        units[at + 1] = batch.qoLen(i);
                        units[at + 2] = batch.kvLen(i);
                        units[at + 3] = batch.pageTable().kvIndptr(i);
                        units[at + 4] = head;
                        units[at + 5] = tile * rows;
                        units[at + 6] = from;
                        units[at + 7] = to;
                        units[at + 8] = piece;
                        units[at + 9] = merged;
                        units[at + 10] = slots + head * merged;
                        units[at + 11] = counters + (merged > 1 ? head : 0);
                        at += UNIT_INTS;
                    }
                }
                slots += merged > 1 ? merged * heads : 0;
                counters += merged > 1 ? heads : 0;
            }
        }
        return new DecodeSchedule(units, at / UNIT_INTS, slots, counters * cluster, maxParts);
    }

    /** Returns the tokens of a part such that one round of CTAs does everything, if the rows alone do not fill it. */
    private static int tokensPerPart(
            AttentionSpec spec, int[] tiles, int[] seen, long columns, int cluster, int atOnce) {
        int longest = Math.max(1, Arrays.stream(seen).max().orElse(1));
        if (columns * cluster >= atOnce) {
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
                units += (long) whole(Math.max(1, Math.ceilDiv(seen[i], middle)), cluster) * tiles[i]
                        * spec.numKvHeads();
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
        boolean even = true;
        for (int i = 1; i < requests && even; i++) {
            even = cut.seen()[i] == cut.seen()[0];
        }
        int[] order = new int[requests];
        Arrays.setAll(order, i -> i);
        if (even) {
            return order;
        }
        long[] keys = new long[requests];
        for (int i = 0; i < requests; i++) {
            long length = Math.ceilDiv(cut.seen()[i], cut.parts()[i]);
            keys[i] = -length << 32 | i;
        }
        Arrays.sort(keys);
        Arrays.setAll(order, i -> (int) keys[i]);
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

    /** Returns how many counters the tiles whose parts meet in the workspace need. */
    public int counters() {
        return counters;
    }

    /** Returns the most parts of a row. */
    public int maxParts() {
        return maxParts;
    }
}
