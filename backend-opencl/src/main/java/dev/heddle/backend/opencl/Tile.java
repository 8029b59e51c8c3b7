package dev.heddle.backend.opencl;

import dev.heddle.core.attention.AttentionSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * Sizes that a kind of device wants.
 *
 * @param shared whether the work-items of a group share a tile in local memory (tiles.cl), or each works alone with
 *     vectors (vector.cl)
 * @param groupSize work-items of a group
 * @param tokens KV tokens of a tile
 * @param vector floats of a vector; 1 where work-items share
 * @param registers most registers of a work-item, for compilers that can be told; 0 leaves it to them
 */
record Tile(boolean shared, int groupSize, int tokens, int vector, int registers) {
    /** Tokens whose products with V are summed while a vector of the output is in a register. */
    private static final int PRODUCT_TOKENS = 8;

    private static final long SOFTMAX_FLOATS = 17; // a maximum of each lane, a factor
    private static final int SLACK = 256; // alignment of the parts
    private static final int MERGE_ITEMS = 64;
    private static final int LEAST_VECTOR = 8; // what head dims are multiples of

    /** Returns the source that goes with it. */
    String source() {
        return shared ? "tiles.cl" : "vector.cl";
    }

    /** Returns what the compiler is told beside the macros; empty for nothing. */
    String options() {
        return registers == 0 ? "" : " -cl-nv-maxrregcount=" + registers;
    }

    /** Returns the local memory that a group which shares a tile takes, at most, in bytes (tiles.cl). */
    static long localBytes(AttentionSpec spec, int rows, int tokens, int items) {
        int size = spec.kDtype().byteSize();
        long k = (long) tokens * (spec.headDimQk() * size + KernelShape.WIDE);
        long v = (long) tokens * spec.headDimVo() * size;
        long q = (long) rows * spec.headDimQk() * Float.BYTES;
        long scratch = (long) items * Math.max(2 * rows, KernelShape.WIDE / size) * Float.BYTES;
        long softmax = rows * SOFTMAX_FLOATS * Float.BYTES;
        long places = (long) tokens * (2 * Long.BYTES + Integer.BYTES);
        return k + v + q + scratch + softmax + places + SLACK;
    }

    /** Returns the work-items that merge the parts of a tile. */
    int mergeSize() {
        return shared ? MERGE_ITEMS : 1;
    }

    List<String> macros(KernelShape shape, List<String> common) {
        List<String> macros = new ArrayList<>(common);
        macros.add("TOKENS=" + tokens);
        if (shared) {
            macros.add("ITEMS=" + groupSize);
            macros.add("CHUNK=" + shape.chunkBytes());
        } else {
            int width = shape.dimQk() % vector == 0 && shape.dimVo() % vector == 0 ? vector : LEAST_VECTOR;
            int block = Math.max(1, width / (Integer.highestOneBit(2 * shape.rows() - 1)));
            macros.add("W=" + width);
            macros.add("TB=" + block);
            macros.add("PB=" + Math.max(block, PRODUCT_TOKENS));
        }
        return macros;
    }
}
