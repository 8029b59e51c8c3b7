package dev.heddle.backend.tensor.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.decode.DecodeKernel;
import java.util.List;

/**
 * What one compiled kernel is specialised for.
 *
 * @param rows rows of a tile, 8 or 16: columns of the matrix instruction
 * @param slots tiles of K or V in a warp's ring
 */
record TensorKernel(int rows, int headDimQk, int headDimVo, DataType kv, int warps, int ctas, int slots,
        boolean general) implements DecodeKernel {
    private static final int TILE = 16; // KV tokens
    private static final int PIECE = 16; // bytes
    private static final int STATIC_BYTES = 1024 + 1024; // static variables, and what the driver keeps of each CTA
    private static final int NARROW = 8;
    private static final int MOST_WIDE_DIM = 128; // a thread has no registers for 16 rows of longer heads
    private static final int SHORT_TOKENS = 2048;
    private static final int STATE_EXTRA = 4 + 2; // a pitch without bank conflicts, a maximum and a sum

    /** Returns the kernel for a request; the numbers are measured ones (docs/performance.md). */
    static TensorKernel of(AttentionSpec spec, BatchShape batch, int multiprocessors, int sharedBytes) {
        int all = Math.max(1, batch.maxQoLen()) * spec.groupSize();
        int rows = all > NARROW && Math.max(spec.headDimQk(), spec.headDimVo()) <= MOST_WIDE_DIM
                ? 2 * NARROW
                : NARROW;
        long columns = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            columns += (long) Math.ceilDiv(batch.qoLen(i) * spec.groupSize(), rows) * spec.numKvHeads();
        }
        boolean many = columns > 2L * multiprocessors;
        boolean small = batch.pageTable().totalKvLen() / Math.max(1, batch.batchSize()) <= SHORT_TOKENS;
        if (rows > NARROW) {
            return columns > multiprocessors
                    ? fitted(spec, batch, rows, 4, 2, 4, sharedBytes)
                    : fitted(spec, batch, rows, 8, 1, 4, sharedBytes);
        }
        return many && small
                ? fitted(spec, batch, rows, 4, 4, 2, sharedBytes)
                : fitted(spec, batch, rows, 8, 2, 2, sharedBytes);
    }

    /** Returns the kernel with as many warps, or as many CTAs, as have room. */
    private static TensorKernel fitted(AttentionSpec spec, BatchShape batch, int rows, int warps, int ctas,
            int slots, int sharedBytes) {
        // The last row sees every token: a causal mask hides nothing from a request's only row.
        boolean general = (spec.causal() && batch.maxQoLen() > 1) || spec.windowLeft() >= 0
                || spec.logitsSoftCap() != 0 || spec.alibi()
                || spec.kvQuantisation() == KvQuantisation.PER_HEAD;
        // Long heads take the registers of two threads.
        int share = Math.max(spec.headDimQk(), spec.headDimVo()) > MOST_WIDE_DIM ? 2 : 1;
        int fewer = Math.max(1, ctas / share);
        int most = share > ctas ? warps / 2 : warps;
        while (true) {
            TensorKernel kernel = new TensorKernel(rows, spec.headDimQk(), spec.headDimVo(), spec.kDtype(),
                    most, fewer, slots, general);
            if (kernel.sharedBytes() + STATIC_BYTES <= sharedBytes / fewer || (fewer == 1 && most == 1)) {
                return kernel;
            }
            if (fewer > 1) {
                fewer /= 2;
            } else {
                most /= 2;
            }
        }
    }

    @Override
    public TensorKernel forAnything() {
        return new TensorKernel(rows, headDimQk, headDimVo, kv, warps, ctas, slots, true);
    }

    private static int pitch(int headDim) {
        int chunks = headDim / 8;
        return chunks % 8 == 0 ? chunks : chunks | 1;
    }

    @Override
    public int sharedBytes() {
        int rings = warps * slots * TILE * PIECE * Math.max(pitch(headDimQk), pitch(headDimVo));
        int states = warps * rows * (headDimVo + STATE_EXTRA) * Float.BYTES;
        return Math.max(rings, states);
    }

    @Override
    public int stateFloats() {
        return rows * (headDimVo + 1);
    }

    @Override
    public List<String> macros() {
        return List.of("ROWS=" + rows, "DIM_QK=" + headDimQk, "DIM_VO=" + headDimVo,
                "KV_TYPE=" + DecodeKernel.code(kv), "WARPS=" + warps, "CTAS=" + ctas, "SLOTS=" + slots,
                "GENERAL=" + (general ? 1 : 0), "MAX_HEADS=" + MAX_HEADS, "MAX_SEGMENTS=" + MAX_SEGMENTS);
    }
}
