package dev.heddle.backend.cpu;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import java.util.Arrays;

/**
 * The cut of a batch into units. A tile is a run of query rows of one request; each of its KV heads covers a range
 * of KV chunks, either in one unit or, where there are too few units to go round, in one unit per chunk.
 */
final class CpuSchedule {
    /**
     * Tokens of a chunk. Fixed, so that sums are grouped alike whatever the batch and the machine (ADR 3); long
     * enough that folding partial results costs little, short enough that 4096 tokens occupy eight cores.
     */
    static final int CHUNK = 512;

    /** Rows (query rows × group) that share one widened tile of tokens. */
    private static final int TILE_ROWS = 64;

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final int kvSplits;
    private final int tileQueries;

    private final int[] tileRequest;
    private final int[] tileRow; // first query row, counted from the request's first
    private final int[] tileRows;
    private final int[] tileChunk; // first chunk that some row sees
    private final int[] tileChunks; // chunks that some row sees; 0 if none sees a key
    private final int[] unitStart; // [tiles + 1] prefix sums of units
    private final boolean split;
    private final int maxRows;
    private final int maxChunks;

    CpuSchedule(AttentionSpec spec, BatchShape batch, int kvSplits, int parallelism) {
        this.spec = spec;
        this.batch = batch;
        this.kvSplits = kvSplits;
        this.tileQueries = Math.max(1, TILE_ROWS / spec.groupSize());
        int tiles = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            tiles += Math.ceilDiv(batch.qoLen(i), tileQueries);
        }
        tileRequest = new int[tiles];
        tileRow = new int[tiles];
        tileRows = new int[tiles];
        tileChunk = new int[tiles];
        tileChunks = new int[tiles];
        unitStart = new int[tiles + 1];
        int longest = 0;
        int widest = 0;
        for (int i = 0, tile = 0; i < batch.batchSize(); i++) {
            for (int row = 0; row < batch.qoLen(i); row += tileQueries, tile++) {
                tileRequest[tile] = i;
                tileRow[tile] = row;
                tileRows[tile] = Math.min(tileQueries, batch.qoLen(i) - row);
                range(tile);
                longest = Math.max(longest, tileChunks[tile]);
                widest = Math.max(widest, tileRows[tile]);
            }
        }
        maxRows = widest * spec.groupSize();
        maxChunks = longest;
        split = longest > 1 && (long) tiles * spec.numKvHeads() < 4L * parallelism && parallelism > 1
                && slotFloats() * longest * tiles * spec.numKvHeads() * Float.BYTES <= Partials.MAX_BYTES;
        for (int tile = 0; tile < tiles; tile++) {
            int perHead = split ? Math.max(1, tileChunks[tile]) : 1;
            unitStart[tile + 1] =
                    Math.addExact(unitStart[tile], Math.multiplyExact(perHead, spec.numKvHeads()));
        }
    }

    private void range(int tile) {
        int request = tileRequest[tile];
        int kvLen = batch.kvLen(request);
        int first = firstVisible(request, tileRow[tile]);
        int last = lastVisible(request, tileRow[tile] + tileRows[tile] - 1);
        if (first > last) {
            return;
        }
        int from = chunkOf(first, kvLen);
        tileChunk[tile] = from;
        tileChunks[tile] = chunkOf(last, kvLen) - from + 1;
    }

    /** Returns the first key that a query row sees by causal mask and window; may lie beyond the last. */
    int firstVisible(int request, int row) {
        int position = batch.kvLen(request) - batch.qoLen(request) + row;
        return spec.windowLeft() < 0 ? 0 : (int) Math.max(0L, (long) position - spec.windowLeft());
    }

    /** Returns the last key that a query row sees by causal mask; −1 if none. */
    int lastVisible(int request, int row) {
        int kvLen = batch.kvLen(request);
        int position = kvLen - batch.qoLen(request) + row;
        return spec.causal() ? Math.max(-1, Math.min(position, kvLen - 1)) : kvLen - 1;
    }

    private int chunkOf(int token, int kvLen) {
        if (kvSplits == 0) {
            return token / CHUNK;
        }
        int chunk = (int) ((long) token * kvSplits / kvLen);
        // chunkStart rounds up: step to the chunk whose range really holds the token
        while (chunkStart(chunk, kvLen) > token) {
            chunk--;
        }
        while (chunkStart(chunk + 1, kvLen) <= token) {
            chunk++;
        }
        return chunk;
    }

    /** Returns the first token of a chunk of a sequence; that of the chunk after the last is kvLen. */
    int chunkStart(int chunk, int kvLen) {
        return kvSplits == 0
                ? (int) Math.min((long) chunk * CHUNK, kvLen)
                : (int) Math.ceilDiv((long) chunk * kvLen, kvSplits);
    }

    int tiles() {
        return tileRequest.length;
    }

    int units() {
        return unitStart[tiles()];
    }

    int tileOf(int unit) {
        int found = Arrays.binarySearch(unitStart, unit);
        return found >= 0 ? found : -found - 2;
    }

    int unitStart(int tile) {
        return unitStart[tile];
    }

    int request(int tile) {
        return tileRequest[tile];
    }

    int firstRow(int tile) {
        return tileRow[tile];
    }

    int rows(int tile) {
        return tileRows[tile];
    }

    int firstChunk(int tile) {
        return tileChunk[tile];
    }

    int chunks(int tile) {
        return tileChunks[tile];
    }

    boolean isSplit() {
        return split;
    }

    int maxRows() {
        return maxRows;
    }

    int maxChunks() {
        return maxChunks;
    }

    /** Returns the floats of one partial result: accumulators, maxima, sums. */
    long slotFloats() {
        return (long) maxRows * (Scratch.padded(spec.headDimVo()) + 2);
    }
}
