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

    /** KV tokens of a part where its size must not depend on the batch, unless the kernel says another number. */
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
        Spans spans = spans(spec, batch, choice);
        int cluster = choice.kernel().cluster();
        boolean fixed = spec.determinism() == Determinism.BATCH_INVARIANT;
        int tokens = forced > 0 || fixed ? 0 : tokensPerPart(spec, spans.seen(), cluster, atOnce);
        int[] parts = new int[spans.count()];
        long count = 0;
        for (int i = 0; i < parts.length; i++) {
            int seen = spans.seen()[i];
            int most = Math.clamp(Math.ceilDiv(seen, GRAIN), 1, mostParts);
            int wanted = forced > 0 ? forced
                    : fixed ? fixedParts(spec, choice.kernel(), seen)
                            : Math.ceilDiv(seen, Math.max(1, tokens));
            parts[i] = whole(Math.clamp(wanted, 1, most), cluster);
            count += (long) parts[i] * spec.numKvHeads();
        }
        return build(spec, batch, choice.kernel(), spans, parts, Math.toIntExact(count));
    }

    /** Returns the parts of a sequence, a function of its length, the spec and the kernel only. */
    private static int fixedParts(AttentionSpec spec, DecodeKernel kernel, int seen) {
        int most = Math.max(MOST_FIXED_PARTS, FIXED_UNITS / spec.numKvHeads());
        int tokens = kernel.invariantTokens(seen);
        return Math.min(most, (seen + tokens / 2) / tokens);
    }

    /** Returns the CTAs of whole clusters that so many parts take. */
    private static int whole(int parts, int cluster) {
        return Math.ceilDiv(parts, cluster) * cluster;
    }

    /** The tiles of rows: whose they are, which tile of its request, and the KV tokens that any of its rows sees. */
    private record Spans(int[] request, int[] tile, int[] first, int[] seen) {
        int count() {
            return request.length;
        }
    }

    private static Spans spans(AttentionSpec spec, BatchShape batch, KernelChoice choice) {
        int rows = choice.kernel().rows();
        int group = spec.groupSize();
        int requests = batch.batchSize();
        int count = 0;
        for (int i = 0; i < requests; i++) {
            count += choice.has(i) ? Math.ceilDiv(batch.qoLen(i) * group, rows) : 0;
        }
        Spans spans = new Spans(new int[count], new int[count], new int[count], new int[count]);
        int at = 0;
        for (int i = 0; i < requests; i++) {
            int qoLen = batch.qoLen(i);
            int kvLen = batch.kvLen(i);
            int tiles = choice.has(i) ? Math.ceilDiv(qoLen * group, rows) : 0;
            for (int tile = 0; tile < tiles; tile++) {
                int end = kvLen;
                if (spec.causal()) {
                    int last = Math.min(qoLen, Math.ceilDiv((tile + 1) * rows, group)); // query rows up to the tile's end
                    end = Math.clamp((long) kvLen - qoLen + last, 0, kvLen);
                }
                int first = 0;
                if (spec.windowLeft() >= 0) {
                    long seen = (long) kvLen - qoLen + tile * rows / group - spec.windowLeft();
                    // Whole tiles of tokens, so that results do not depend on where the window begins within one.
                    first = Math.clamp(seen, 0, end) / GRAIN * GRAIN;
                }
                spans.request()[at] = i;
                spans.tile()[at] = tile;
                spans.first()[at] = first;
                spans.seen()[at] = end - first;
                at++;
            }
        }
        return spans;
    }

    private static DecodeSchedule build(AttentionSpec spec, BatchShape batch, DecodeKernel kernel,
            Spans spans,
            int[] cut, int count) {
        int[] units = new int[Math.multiplyExact(count, UNIT_INTS)];
        int heads = spec.numKvHeads();
        int cluster = kernel.cluster();
        int at = 0;
        int slots = 0;
        int counters = 0;
        int maxParts = 1;
        for (int i : longestFirst(spans, cut)) {
            int seen = spans.seen()[i];
            int first = spans.first()[i];
            // Whole tiles of tokens for each part, and no empty one at the end but to fill a cluster.
            int tokens = Math.ceilDiv(Math.ceilDiv(seen, GRAIN), cut[i]) * GRAIN;
            int parts = whole(Math.max(1, Math.ceilDiv(seen, Math.max(1, tokens))), cluster);
            maxParts = Math.max(maxParts, parts);
            int merged = parts / cluster; // what is left to merge through the workspace
            int split = merged > 1 ? 1 : 0;
            int request = spans.request()[i];
            int row = batch.qoIndptr(request);
            int qoLen = batch.qoLen(request);
            int kvLen = batch.kvLen(request);
            int pages = batch.pageTable().kvIndptr(request);
            int firstRow = spans.tile()[i] * kernel.rows();
            for (int piece = 0; piece < merged; piece++) {
                // All heads of a page are near each other in memory: they are read at the same time.
                for (int head = 0; head < heads; head++) {
                    for (int part = piece * cluster; part < (piece + 1) * cluster; part++) {
                        units[at] = row;
                        units[at + 1] = qoLen;
                        units[at + 2] = kvLen;
                        units[at + 3] = pages;
                        units[at + 4] = head;
                        units[at + 5] = firstRow;
                        units[at + 6] = first + Math.min(seen, part * tokens);
                        units[at + 7] = first + Math.min(seen, (part + 1) * tokens);
                        units[at + 8] = piece;
                        units[at + 9] = merged;
                        units[at + 10] = slots + split * head * merged;
                        units[at + 11] = counters + split * head;
                        at += UNIT_INTS;
                    }
                }
            }
            slots += split * merged * heads;
            counters += split * heads;
        }
        return new DecodeSchedule(units, at / UNIT_INTS, slots, counters * cluster, maxParts);
    }

    /** Returns the tokens of a part such that one round of CTAs does everything, if the rows alone do not fill it. */
    private static int tokensPerPart(AttentionSpec spec, int[] seen, int cluster, int atOnce) {
        int heads = spec.numKvHeads();
        int longest = 1;
        long all = 0;
        for (int tokens : seen) {
            longest = Math.max(longest, tokens);
            all += tokens;
        }
        if ((long) seen.length * heads * cluster >= atOnce) {
            // A sequence of twice the fair share would still be running when the others are done.
            long share = Math.ceilDiv(all * heads, (long) atOnce);
            return Math.clamp(2 * share, LEAST_TOKENS, Math.max(LEAST_TOKENS, longest));
        }
        int low = LEAST_TOKENS;
        int high = Math.max(low, longest);
        while (low < high) {
            int middle = (low + high) >>> 1;
            long units = 0;
            for (int tokens : seen) {
                units += (long) whole(Math.max(1, Math.ceilDiv(tokens, middle)), cluster) * heads;
            }
            if (units <= atOnce) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private static int[] longestFirst(Spans spans, int[] parts) {
        int count = spans.count();
        int[] order = new int[count];
        long[] keys = new long[count];
        boolean sorted = true;
        for (int i = 0; i < count; i++) {
            int length = Math.ceilDiv(spans.seen()[i], parts[i]);
            keys[i] = (long) -length << 32 | i;
            sorted &= i == 0 || keys[i - 1] <= keys[i];
        }
        if (!sorted) {
            Arrays.sort(keys);
        }
        for (int i = 0; i < count; i++) {
            order[i] = (int) keys[i];
        }
        return order;
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
