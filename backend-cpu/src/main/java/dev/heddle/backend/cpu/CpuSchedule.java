package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.PrefillLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import java.util.Arrays;

/**
 * The cut of a batch into units. A tile is a run of query rows of one request; each range of its KV heads covers
 * its KV chunks, either in one unit or, where there are too few units to go round, in one unit per chunk. A range is
 * one KV head, or for single rows several, so that a unit reads whole pages from one end to the other.
 */
final class CpuSchedule {
    /**
     * Tokens of a chunk. Fixed, so that sums are grouped alike whatever the batch and the machine (ADR 3); long
     * enough that folding partial results costs little, short enough that 4096 tokens occupy eight cores.
     */
    static final int CHUNK = 512;

    /** Units that a worker should find, so that the last to finish is not far behind. */
    private static final int UNITS_PER_WORKER = 4;

    /** Tokens × KV heads that are worth a unit: fewer are computed before another thread has heard of them. */
    private static final int LEAST_WORK = 32;

    /** KV heads that are read far slower one by one than side by side: cut only where a worker would idle. */
    private static final int FEW_HEADS = 4;

    /** Rows (heads of single query rows) of a unit; and the least that several query rows are cut into. */
    private static final int TILE_ROWS = 64;

    /** Elements of a tile of several query rows: with its accumulators it stays in L2. */
    private static final int TILE_ELEMENTS = PrefillLoops.ROWS * 128;

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final int kvSplits;
    private final int tileQueries;
    private final boolean decodes; // single rows have a kernel of their own
    private final int headsTogether; // KV heads of a unit of that kernel

    private final int[] tileRequest;
    private final int[] tileRow; // first query row, counted from the request's first
    private final int[] tileRows;
    private final int[] tileChunk; // first chunk that some row sees
    private final int[] tileChunks; // chunks that some row sees; 0 if none sees a key
    private final int[] unitStart; // [tiles + 1] prefix sums of units
    private final boolean split;
    private final int maxRows;
    private final int maxChunks;

    CpuSchedule(AttentionSpec spec, BatchShape batch, int kvSplits, int parallelism, boolean decodes) {
        this.spec = spec;
        this.batch = batch;
        this.kvSplits = kvSplits;
        this.decodes = decodes;
        long wanted = parallelism == 1 ? 1 : UNITS_PER_WORKER * (long) parallelism;
        this.tileQueries = tileQueries(wanted);
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
            // The last rows first: under a causal mask they see most, and the longest unit should not begin last.
            int end = (Math.ceilDiv(batch.qoLen(i), tileQueries) - 1) * tileQueries;
            for (int row = end; row >= 0; row -= tileQueries, tile++) {
                tileRequest[tile] = i;
                tileRow[tile] = row;
                tileRows[tile] = Math.min(tileQueries, batch.qoLen(i) - row);
                range(tile);
                longest = Math.max(longest, tileChunks[tile]);
                widest = Math.max(widest, tileRows[tile]);
            }
        }
        maxChunks = longest;
        int most = Math.min(spec.numKvHeads(), Math.max(1, TILE_ROWS / spec.groupSize()));
        long chunks = Arrays.stream(tileChunks).asLongStream().sum();
        // Where there are few tiles, or one much longer than its share, chunks are units of their own; sooner than heads
        // are, since that costs no more than folding.
        boolean uneven = longest * wanted > 2 * chunks;
        boolean wish = longest > 1 && parallelism > 1 && (units(most, false) < 2 * wanted || uneven);
        headsTogether = headsTogether(most, wish, worthwhile(wanted), parallelism);
        maxRows = Math.max(widest, decodes ? headsTogether : 1) * spec.groupSize();
        split = wish && slotFloats() * units(headsTogether, true) * Float.BYTES <= Partials.MAX_BYTES;
        for (int tile = 0; tile < tiles; tile++) {
            unitStart[tile + 1] =
                    Math.addExact(unitStart[tile], Math.multiplyExact(headRanges(tile), perRange(tile)));
        }
    }

    /** Returns the query rows of a tile: many share what it costs to widen keys, but every worker needs units. */
    private int tileQueries(long wanted) {
        int dim = Scratch.padded(Math.max(spec.headDimQk(), spec.headDimVo()));
        int most = Math.clamp(TILE_ELEMENTS / dim, TILE_ROWS, PrefillLoops.ROWS);
        int queries = Math.max(1, most / spec.groupSize());
        while (queries > 1 && queries * spec.groupSize() > TILE_ROWS && prefillUnits(queries) < 2 * wanted) {
            queries = (queries + 1) / 2;
        }
        return queries;
    }

    private long prefillUnits(int queries) {
        long tiles = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            tiles += Math.ceilDiv(batch.qoLen(i), queries);
        }
        return tiles * spec.numKvHeads();
    }

    /** Returns how many KV heads share a walk over the pages: all, unless that leaves workers without work. */
    private int headsTogether(int most, boolean cut, long wanted, int parallelism) {
        int together = most;
        while (together > FEW_HEADS && units(together, cut) < wanted
                || together > 1 && idles(units(together, cut), wanted, parallelism)) {
            together = (together + 1) / 2;
        }
        return together;
    }

    /** Returns whether workers would stand idle for more than an eighth of the time, though there is work for them. */
    private static boolean idles(long units, long wanted, int parallelism) {
        long places = Math.ceilDiv(units, parallelism) * parallelism;
        return units < wanted && 8 * (places - units) > places;
    }

    /** Returns how many units of single rows are worth having: so many, or fewer where there is little to do. */
    private long worthwhile(long wanted) {
        long work = 0;
        for (int request : tileRequest) {
            work += (long) batch.kvLen(request) * spec.numKvHeads();
        }
        return Math.clamp(work / LEAST_WORK, 1, wanted);
    }

    private long units(int together, boolean cut) {
        long units = 0;
        for (int tile = 0; tile < tileRows.length; tile++) {
            int ranges = Math.ceilDiv(spec.numKvHeads(), decodes(tile) ? together : 1);
            units += (long) ranges * (cut ? Math.max(1, tileChunks[tile]) : 1);
        }
        return units;
    }

    /** Returns whether a tile is a single query row, which the decode kernel computes. */
    boolean decodes(int tile) {
        return decodes && batch.qoLen(tileRequest[tile]) == 1;
    }

    /** Returns whether there is a tile that the decode kernel does not compute. */
    boolean prefills() {
        for (int tile = 0; tile < tileRows.length; tile++) {
            if (!decodes(tile)) {
                return true;
            }
        }
        return false;
    }

    /** Returns whether there is a tile that the decode kernel computes. */
    boolean decodes() {
        for (int tile = 0; tile < tileRows.length; tile++) {
            if (decodes(tile)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the units of a tile that compute the same KV heads: its chunks, or one. */
    int perRange(int tile) {
        return split ? Math.max(1, tileChunks[tile]) : 1;
    }

    /** Returns how many ranges a tile's KV heads are cut into. */
    int headRanges(int tile) {
        return Math.ceilDiv(spec.numKvHeads(), headsPerRange(tile));
    }

    private int headsPerRange(int tile) {
        return decodes(tile) ? headsTogether : 1;
    }

    /** Returns the first KV head of a range; that of the range after the last is their number. */
    int headStart(int tile, int range) {
        return Math.min(range * headsPerRange(tile), spec.numKvHeads());
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

    /** Returns the most tokens of a chunk of a sequence. */
    int longestChunk(int kvLen) {
        return kvSplits == 0 ? Math.min(CHUNK, kvLen) : Math.ceilDiv(kvLen, kvSplits) + 1;
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

    /** Returns the most KV heads of a unit. */
    int maxHeads() {
        return decodes ? headsTogether : 1;
    }

    int maxChunks() {
        return maxChunks;
    }

    /** Returns the floats of one partial result: accumulators, maxima, sums. */
    long slotFloats() {
        return (long) maxRows * (Scratch.padded(spec.headDimVo()) + 2);
    }
}
