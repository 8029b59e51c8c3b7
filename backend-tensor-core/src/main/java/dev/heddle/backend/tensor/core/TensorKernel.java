package dev.heddle.backend.tensor.core;

import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.decode.DecodeKernel;
import java.util.List;

/**
 * What one compiled kernel is specialised for.
 *
 * @param rows rows of a tile, a multiple of 8: so many eighths are the warps that share a ring
 * @param slots tiles of K or V in a ring
 */
record TensorKernel(int rows, int headDimQk, int headDimVo, DataType kv, int warps, int ctas, int slots,
        int cluster, boolean general) implements DecodeKernel {
    /** Rows of a warp: columns of the matrix instruction. */
    static final int WARP_ROWS = 8;

    private static final int TILE = 16; // KV tokens
    private static final int PIECE = 16; // bytes
    private static final int STATIC_BYTES = 1024 + 1024; // static variables, and what the driver keeps of each CTA
    private static final int STATE_EXTRA = 4 + 2; // a pitch without bank conflicts, a maximum and a sum

    @Override
    public TensorKernel forAnything() {
        return general
                ? this
                : new TensorKernel(rows, headDimQk, headDimVo, kv, warps, ctas, slots, cluster, true);
    }

    /** Returns the bytes of a tile of K or V in shared memory. */
    static int slotBytes(int headDimQk, int headDimVo, DataType kv) {
        return TILE * PIECE * Math.max(pitch(headDimQk, kv), pitch(headDimVo, kv));
    }

    private static int pitch(int headDim, DataType kv) {
        int pieces = headDim * kv.byteSize() / PIECE;
        return pieces % 8 == 0 ? pieces : pieces | 1;
    }

    private int teams() {
        return warps * WARP_ROWS / rows;
    }

    @Override
    public int sharedBytes() {
        int rings = teams() * slots * slotBytes(headDimQk, headDimVo, kv);
        int states = teams() * rows * (headDimVo + STATE_EXTRA) * Float.BYTES;
        return Math.max(rings, states);
    }

    /** Returns whether a multiprocessor of so much shared memory has room for all CTAs that it is to run at once. */
    boolean fits(int sharedBytes) {
        // What a CTA of a cluster is sent: a float of output and a quarter of an LSE for each element of its share.
        int inbox = cluster > 1 ? rows * headDimVo * 5 : 0;
        return (long) ctas * (sharedBytes() + inbox + STATIC_BYTES) <= sharedBytes;
    }

    @Override
    public int stateFloats() {
        return rows * (headDimVo + cluster);
    }

    @Override
    public List<String> macros() {
        return List.of("ROWS=" + rows, "DIM_QK=" + headDimQk, "DIM_VO=" + headDimVo,
                "KV_TYPE=" + DecodeKernel.code(kv), "WARPS=" + warps, "CTAS=" + ctas, "SLOTS=" + slots,
                "CLUSTER=" + cluster, "GENERAL=" + (general ? 1 : 0), "MAX_HEADS=" + MAX_HEADS,
                "MAX_SEGMENTS=" + MAX_SEGMENTS);
    }
}
