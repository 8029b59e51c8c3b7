package dev.heddle.backend.opencl;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import java.util.Arrays;

/**
 * How a batch is cut into units, one for each work-group: the rows of a tile against a range of KV tokens of one KV
 * head. Where there are too few tiles to go round, or one is much longer than its share, its range is cut into parts,
 * which a second kernel merges in their order.
 */
final class WorkSchedule {
    /** Longest sequence: positions are ints, and floats when they meet ALiBi. */
    static final int MOST_KV_LEN = 1 << 30;

    /** Most parts of a row; a merge keeps a weight for each in local memory. */
    static final int MOST_PARTS = 256;

    /** Most bytes of partial results: cuts are made coarser until they fit. */
    static final long MOST_WORKSPACE = 1L << 30;

    /** Ints of a unit and of a merge, as common.cl has them. */
    static final int UNIT_INTS = 12;

    static final int MERGE_INTS = 8;

    /** Where a unit says where the pages of its request begin. */
    static final int UNIT_PAGES = 3;

    /** KV tokens of a part where a cut may depend on the sequence only. */
    private static final int FIXED_TOKENS = 1024;

    private final int[] units;
    private final int[] merges;
    private final int slots;
    private final int maxParts;

    private WorkSchedule(int[] units, int[] merges, int slots, int maxParts) {
        this.units = units;
        this.merges = merges;
        this.slots = slots;
        this.maxParts = maxParts;
    }

    /** Tiles of rows by request: which rows, and the KV tokens that some of them sees. */
    private record Tiles(int[] request, int[] row, int[] first, int[] seen) {}

    /**
     * Cuts a batch.
     *
     * @param rows rows (query rows × group) of a tile
     * @param grain KV tokens that parts are multiples of
     * @param least KV tokens below which a part is not worth its merge
     * @param wanted units that keep the device busy
     * @param forced parts of each sequence, 0 for as many as pay
     */
    static WorkSchedule of(AttentionSpec spec, BatchShape batch, int rows, int grain, int least, int wanted,
            int forced) {
        Tiles tiles = tiles(spec, batch, rows, grain);
        int heads = spec.numKvHeads();
        long partBytes = (long) rows * (spec.headDimVo() + 2) * Float.BYTES * heads;
        int most = Math.clamp(MOST_WORKSPACE / partBytes / Math.max(1, tiles.seen.length), 1, MOST_PARTS);
        boolean fixed = spec.determinism() == Determinism.BATCH_INVARIANT;
        int tokens = forced > 0 ? 0 : fixed ? FIXED_TOKENS : tokensPerPart(tiles.seen, heads, least, wanted);
        int[] parts = new int[tiles.seen.length];
        for (int i = 0; i < parts.length; i++) {
            int pieces = forced > 0 ? forced : Math.ceilDiv(tiles.seen[i], tokens);
            // An invariant cut may not be coarser because of the rest of the batch.
            parts[i] = Math.clamp(pieces, 1,
                    Math.max(1, Math.min(fixed ? MOST_PARTS : most, Math.ceilDiv(tiles.seen[i], grain))));
        }
        return build(spec, batch, rows, grain, tiles, parts);
    }

    private static Tiles tiles(AttentionSpec spec, BatchShape batch, int rows, int grain) {
        int group = spec.groupSize();
        int count = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            count = Math.addExact(count, tilesOf(batch, i, group, rows));
        }
        Tiles tiles = new Tiles(new int[count], new int[count], new int[count], new int[count]);
        int at = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            int kvLen = batch.kvLen(i);
            int before = kvLen - batch.qoLen(i); // position of the first query row
            int of = tilesOf(batch, i, group, rows);
            for (int tile = 0; tile < of; tile++, at++) {
                int row = tile * rows;
                int lastQuery = Math.min(batch.qoLen(i), Math.ceilDiv(row + rows, group)) - 1;
                int end = spec.causal() ? Math.clamp(before + lastQuery + 1L, 0, kvLen) : kvLen;
                long first = spec.windowLeft() < 0 ? 0 : (long) before + row / group - spec.windowLeft();
                tiles.request[at] = i;
                tiles.row[at] = row;
                // Whole grains, so that a window's edge does not shift the grid of tokens.
                tiles.first[at] = Math.clamp(first, 0, end) / grain * grain;
                tiles.seen[at] = end - tiles.first[at];
            }
        }
        return tiles;
    }

    private static int tilesOf(BatchShape batch, int request, int group, int rows) {
        return Math.toIntExact(Math.ceilDiv((long) batch.qoLen(request) * group, rows));
    }

    /** Returns the tokens of a part such that units are as many as wanted, or as equal as that allows. */
    private static int tokensPerPart(int[] seen, int heads, int least, int wanted) {
        long all = 0;
        int longest = 1;
        for (int tokens : seen) {
            all += tokens;
            longest = Math.max(longest, tokens);
        }
        if ((long) seen.length * heads >= wanted) {
            // A sequence of twice its share would still be running when the others are done.
            return Math.clamp(2 * Math.ceilDiv(all * heads, (long) wanted), least, Math.max(least, longest));
        }
        int low = least;
        int high = Math.max(least, longest);
        while (low < high) {
            int middle = (low + high) >>> 1;
            long units = 0;
            for (int tokens : seen) {
                units += (long) Math.max(1, Math.ceilDiv(tokens, middle)) * heads;
            }
            if (units <= wanted) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private static WorkSchedule build(AttentionSpec spec, BatchShape batch, int rows, int grain, Tiles tiles,
            int[] parts) {
        int heads = spec.numKvHeads();
        long count = 0;
        int merged = 0;
        int maxParts = 1;
        for (int of : parts) {
            count += (long) of * heads;
            merged += of > 1 ? 1 : 0;
            maxParts = Math.max(maxParts, of);
        }
        int[] units = new int[Math.toIntExact(count * UNIT_INTS)];
        int[] merges = new int[merged * heads * MERGE_INTS];
        int at = 0;
        int mergeAt = 0;
        int slots = 0;
        for (int tile : longestFirst(tiles.seen, parts)) {
            int request = tiles.request[tile];
            int of = parts[tile];
            int tokens = Math.ceilDiv(Math.ceilDiv(tiles.seen[tile], of), grain) * grain;
            int tileRows = Math.min(rows, batch.qoLen(request) * spec.groupSize() - tiles.row[tile]);
            for (int head = 0; head < heads; head++) {
                if (of > 1) {
                    merges[mergeAt] = batch.qoIndptr(request);
                    merges[mergeAt + 1] = head;
                    merges[mergeAt + 2] = tiles.row[tile];
                    merges[mergeAt + 3] = tileRows;
                    merges[mergeAt + 4] = slots + head * of;
                    merges[mergeAt + 5] = of;
                    mergeAt += MERGE_INTS;
                }
            }
            for (int part = 0; part < of; part++) {
                for (int head = 0; head < heads; head++) {
                    units[at] = batch.qoIndptr(request);
                    units[at + 1] = batch.qoLen(request);
                    units[at + 2] = batch.kvLen(request);
                    units[at + 3] = batch.pageTable().kvIndptr(request);
                    units[at + 4] = head;
                    units[at + 5] = tiles.row[tile];
                    units[at + 6] = tileRows;
                    units[at + 7] = tiles.first[tile] + Math.min(tiles.seen[tile], part * tokens);
                    units[at + 8] = tiles.first[tile] + Math.min(tiles.seen[tile], (part + 1) * tokens);
                    units[at + 9] = of > 1 ? slots + head * of + part : -1;
                    at += UNIT_INTS;
                }
            }
            slots += of > 1 ? of * heads : 0;
        }
        return new WorkSchedule(units, merges, slots, maxParts);
    }

    /** Returns tiles by the length of their parts: what takes long begins first. */
    private static int[] longestFirst(int[] seen, int[] parts) {
        long[] keys = new long[seen.length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = (long) -Math.ceilDiv(seen[i], parts[i]) << Integer.SIZE | i;
        }
        Arrays.sort(keys);
        int[] order = new int[keys.length];
        Arrays.setAll(order, i -> (int) keys[i]);
        return order;
    }

    /** Returns the units, {@link #UNIT_INTS} ints each; their places of pages count from {@code kv_indptr}'s 0. */
    int[] units() {
        return units;
    }

    /** Returns the rows to merge, {@link #MERGE_INTS} ints each. */
    int[] merges() {
        return merges;
    }

    int unitCount() {
        return units.length / UNIT_INTS;
    }

    int mergeCount() {
        return merges.length / MERGE_INTS;
    }

    /** Returns how many parts the workspace holds. */
    int slots() {
        return slots;
    }

    /** Returns the most parts of a row. */
    int maxParts() {
        return maxParts;
    }
}
