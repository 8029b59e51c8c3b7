package dev.heddle.backend.cuda.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.tensor.DataType;

/**
 * The choices that measurements made (docs/performance-cuda.md): rows of a tile, warps, CTAs per multiprocessor, and
 * whether KV passes through the L2 cache without staying.
 */
record Tuning(int rows, int warps, int ctas, boolean evictFirst) {
    /** Rows whose sums and outputs fit in the registers of a thread. */
    private static final int MOST_ROWS = 12;

    private static final int MOST_ROWS_F32 = 16;

    /** KV bytes from which dirty lines are no longer what bounds the reads, and the hint only costs. */
    private static final long EVICT_FIRST_BYTES = 256L << 20;

    /** The same for many short sequences, whose CTAs leave more dirty lines to meet. */
    private static final long EVICT_FIRST_BYTES_SHORT = 384L << 20;

    private static final int SHORT_TOKENS = 2048;

    /** Rows with which a thread needs more registers than twelve warps leave it. */
    private static final int MANY_ROWS = 8;

    static Tuning of(AttentionSpec spec, BatchShape batch, int multiprocessors, int sharedBytes) {
        int rows = rows(spec, Math.max(1, batch.maxQoLen()) * spec.groupSize());
        long columns = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            columns += (long) Math.ceilDiv(batch.qoLen(i) * spec.groupSize(), rows) * spec.numKvHeads();
        }
        long tokens = batch.pageTable().totalKvLen() / Math.max(1, batch.batchSize());
        int ctas = ctas(spec, rows, columns, multiprocessors, tokens <= SHORT_TOKENS);
        boolean evictFirst = batch.pageTable().totalKvLen()
                * spec.kvBytesPerToken() < (ctas > 2 ? EVICT_FIRST_BYTES_SHORT : EVICT_FIRST_BYTES);
        int warps = warps(spec, rows, ctas) / ctas;
        while (true) {
            int fit = KernelShape.warpsThatFit(spec, rows, ctas, warps, sharedBytes);
            if (ctas == 1 || 2 * fit > warps) {
                return new Tuning(rows, Math.max(1, fit), ctas, evictFirst);
            }
            ctas /= 2;
            warps *= 2;
        }
    }

    /** Returns CTAs per multiprocessor: all columns at once if they can be, else CTAs small enough to overlap. */
    private static int ctas(AttentionSpec spec, int rows, long columns, int multiprocessors, boolean small) {
        if (2 * columns <= multiprocessors) {
            return 1; // cut into parts, and the larger a CTA the fewer there are to merge
        }
        boolean simple = spec.kDtype().byteSize() == 1 && rows <= 2;
        return columns > 2L * multiprocessors && (small || simple) ? 4 : 2;
    }

    /** Returns the warps of a multiprocessor. */
    private static int warps(AttentionSpec spec, int rows, int ctas) {
        boolean small = KernelShape.tile(spec) < KernelShape.TILE;
        if (!small && (ctas == 1 || rows > MANY_ROWS)) {
            return 8;
        }
        // Converting bytes takes so many instructions that more warps have to take turns.
        return spec.kDtype().byteSize() == 1 && rows > 2 && ctas > 1 ? 16 : 12;
    }

    /** Returns the rows of a tile such that all tiles of a KV head are about equally full. */
    static int rows(AttentionSpec spec, int all) {
        int most = spec.kDtype() == DataType.F32 ? MOST_ROWS_F32 : MOST_ROWS;
        // Wide heads take more than one chunk of the output per lane.
        int chunks = Math.ceilDiv(spec.headDimVo() / (spec.kDtype() == DataType.F32 ? 4 : 8), 32);
        most = Math.max(1, most / chunks);
        return Math.ceilDiv(all, Math.ceilDiv(all, most));
    }
}
