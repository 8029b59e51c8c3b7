package dev.heddle.backend.opencl;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.tensor.DataType;
import java.util.ArrayList;
import java.util.List;

/**
 * The kernel of a plan. A program is specialised for {@link #macros}: on processors, where most of a short job's time would
 * be the compiler's, for less than on GPUs (ADR 20).
 *
 * @param tile sizes, by the kind of device
 * @param rows rows of a tile of queries
 * @param dimQk head dim of Q and K
 * @param dimVo head dim of V and out
 * @param kvType element type of K and V
 * @param general whether rows may differ in what they see, or scores are more than scaled products
 * @param segments buffers of K and of V that it takes
 * @param chunkBytes bytes that are loaded at once where work-items share a tile: 16, or 8 where rows are not multiples
 */
record KernelShape(Tile tile, int rows, int dimQk, int dimVo, DataType kvType, boolean general, int segments,
        int chunkBytes) {
    /** Most rows of a tile: their sums stay in registers. */
    static final int MOST_ROWS = 8;

    /** Most buffers of K and of V: as many as fit into the least room for arguments that OpenCL promises. */
    static final int MOST_SEGMENTS = 32;

    /** Bytes that are loaded at once where rows are multiples of it, and elsewhere. */
    static final int WIDE = 16;

    static final int NARROW = 8;

    /** Most of a head dim. */
    static final int MOST_DIM = 256;

    private static final int FEW_SEGMENTS = 4;

    /** Returns the rows of a tile such that all tiles of a KV head are about equally full. */
    static int rows(int all, int most) {
        return Math.ceilDiv(all, Math.ceilDiv(all, most));
    }

    static KernelShape of(Tile tile, AttentionSpec spec, int rows, boolean general) {
        return new KernelShape(tile, rows, spec.headDimQk(), spec.headDimVo(), spec.kDtype(), general, 1,
                WIDE)
                .forCache(1, true);
    }

    /** Returns the program for a cache of so many buffers, whose rows begin at multiples of 16 bytes or not. */
    KernelShape forCache(int buffers, boolean aligned) {
        int wanted =
                buffers <= 1 && tile.shared() ? 1 : buffers <= FEW_SEGMENTS ? FEW_SEGMENTS : MOST_SEGMENTS;
        int chunk = !tile.shared() || aligned && dimQk * kvType.byteSize() % WIDE == 0
                && dimVo * kvType.byteSize() % WIDE == 0 ? WIDE : NARROW;
        return wanted == segments && chunk == chunkBytes ? this
                : new KernelShape(tile, rows, dimQk, dimVo, kvType, general, wanted, chunk);
    }

    /** Returns whether this program reads a cache of so many buffers, whose rows begin at multiples of 16 bytes or not. */
    boolean serves(int buffers, boolean aligned) {
        return forCache(buffers, aligned) == this;
    }

    /** Returns the floats of a tile's state: sums, maxima, denominators. */
    int stateFloats() {
        return rows * (dimVo + 2);
    }

    /** Returns what its program is compiled with. */
    List<String> macros() {
        List<String> common =
                List.of("ROWS=" + rows, "KV_TYPE=" + kvType.ordinal(), "SEGMENTS=" + segments);
        List<String> macros = new ArrayList<>(common);
        macros.addAll(tile.macros(this));
        return macros;
    }
}
