package dev.heddle.backend.tensor.core;

import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.KernelSource;
import dev.heddle.cuda.decode.DecodeBackend;
import dev.heddle.cuda.decode.DecodeKernel;
import java.util.List;

/**
 * What one compiled kernel is specialised for. Up to eight rows are decode.cu's: rows are the narrow side of its matrix
 * instruction. More are append.cu's, where a warp has 16 of them.
 *
 * @param rows rows of a tile: 8, 16, 32, 64 or 128
 * @param tile KV tokens of a tile of K or V
 * @param slots tiles in the ring of a team, the warps that have a tile's rows among them
 */
record TensorKernel(int rows, int headDimQk, int headDimVo, DataType kv, int warps, int ctas, int tile,
        int slots,
        int cluster, boolean general) implements DecodeKernel {
    /** Rows up to which decode.cu is the kernel. */
    static final int NARROW = 8;

    /** Rows of a warp of append.cu. */
    static final int WARP_ROWS = 16;

    private static final KernelSource DECODE =
            DecodeBackend.source(TensorKernel.class, "tiles.cu", "decode.cu");
    private static final KernelSource APPEND =
            DecodeBackend.source(TensorKernel.class, "tiles.cu", "append.cu");
    private static final int PIECE = 16; // bytes
    private static final int STATIC_BYTES = 1024 + 1024; // static variables, and what the driver keeps of each CTA
    private static final int SHORT_TOKENS = 2048; // up to which a batch-invariant cut is finer
    private static final int SHORT_PART = 256;
    private static final int PART = 512;
    private static final int STATE_EXTRA = 4 + 2; // a pitch without bank conflicts, a maximum and a sum

    @Override
    public TensorKernel forAnything() {
        return general
                ? this
                : new TensorKernel(rows, headDimQk, headDimVo, kv, warps, ctas, tile, slots, cluster, true);
    }

    @Override
    public int invariantTokens(int kvLen) {
        if (rows > WARP_ROWS) {
            return DecodeKernel.super.invariantTokens(kvLen);
        }
        return kvLen <= SHORT_TOKENS ? SHORT_PART : PART;
    }

    private int warpRows() {
        return rows == NARROW ? NARROW : WARP_ROWS;
    }

    private int teams() {
        return warps * warpRows() / rows;
    }

    /** Returns the bytes of so many tokens of K or V in shared memory. */
    static int slotBytes(int tokens, int headDimQk, int headDimVo, DataType kv) {
        return tokens * PIECE * Math.max(pitch(headDimQk, kv), pitch(headDimVo, kv));
    }

    private static int pitch(int headDim, DataType kv) {
        int pieces = headDim * kv.byteSize() / PIECE;
        return pieces % 8 == 0 ? pieces : pieces | 1;
    }

    @Override
    public int sharedBytes() {
        int rings = teams() * slots * slotBytes(tile, headDimQk, headDimVo, kv);
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
    public KernelSource source() {
        return rows == NARROW ? DECODE : APPEND;
    }

    @Override
    public List<String> macros() {
        return List.of("ROWS=" + rows, "WARP_ROWS=" + warpRows(), "TILE=" + tile, "DIM_QK=" + headDimQk,
                "DIM_VO=" + headDimVo, "KV_TYPE=" + DecodeKernel.code(kv), "WARPS=" + warps, "CTAS=" + ctas,
                "SLOTS=" + slots, "CLUSTER=" + cluster, "GENERAL=" + (general ? 1 : 0),
                "MAX_HEADS=" + MAX_HEADS,
                "MAX_SEGMENTS=" + MAX_SEGMENTS);
    }
}
