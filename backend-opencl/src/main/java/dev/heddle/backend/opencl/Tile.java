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
 * @param teams of work-items that share a tile, each with its part of the rows; 1 where each works alone
 */
record Tile(boolean shared, int groupSize, int tokens, int vector, int teams) {
    /** Tokens whose products with V are summed while a vector of the output is in a register. */
    private static final int PRODUCT_TOKENS = 8;

    private static final long SOFTMAX_FLOATS = 17; // a maximum of each lane, a factor
    private static final int QUAD = 4; // what a team's rows are padded to in the table of weights
    private static final int SLACK = 256; // alignment of the parts
    private static final int MERGE_ITEMS = 64;
    private static final int LEAST_VECTOR = 8; // what head dims are multiples of

    /** Returns the source that goes with it. */
    String source() {
        return shared ? "tiles.cl" : "vector.cl";
    }

    /** Returns the local memory that a group takes, at most, in bytes; 0 where each work-item works alone. */
    long localBytes(AttentionSpec spec, int rows) {
        if (!shared) {
            return 0;
        }
        int size = spec.kDtype().byteSize();
        int ofTeam = Math.ceilDiv(rows, teams);
        long k = (long) tokens * (spec.headDimQk() * size + KernelShape.WIDE);
        long v = (long) tokens * spec.headDimVo() * size;
        long q = (long) teams * ofTeam * spec.headDimQk() * Float.BYTES;
        long scores = (long) groupSize / teams * Math.max(2 * teams * ofTeam, KernelShape.WIDE / size);
        long weights = (long) tokens * teams * Math.ceilDiv(ofTeam, QUAD) * QUAD;
        long softmax = rows * SOFTMAX_FLOATS + teams;
        long places = (long) tokens * (2 * Long.BYTES + Integer.BYTES);
        return k + v + q + (Math.max(scores, weights) + softmax) * Float.BYTES + places + SLACK;
    }

    /** Returns whether each team has a work-item for each chunk of a row of the output, the smallest kind of chunk. */
    boolean hasItems(AttentionSpec spec) {
        return groupSize / teams >= spec.headDimVo() * spec.kDtype().byteSize() / KernelShape.NARROW;
    }

    /** Returns the work-items that merge the parts of a tile. */
    int mergeSize() {
        return shared ? MERGE_ITEMS : 1;
    }

    List<String> macros(KernelShape shape) {
        List<String> macros = new ArrayList<>();
        macros.add("TOKENS=" + tokens);
        if (shared) {
            macros.add("D_QK=" + shape.dimQk());
            macros.add("D_VO=" + shape.dimVo());
            macros.add("GENERAL=" + (shape.general() ? 1 : 0));
            macros.add("ITEMS=" + groupSize);
            macros.add("TEAMS=" + teams);
            macros.add("CHUNK=" + shape.chunkBytes());
        } else {
            int width = shape.dimQk() % vector == 0 && shape.dimVo() % vector == 0 ? vector : LEAST_VECTOR;
            int block = Math.max(1, width / (Integer.highestOneBit(2 * shape.rows() - 1)));
            macros.add("MOST_DIM=" + KernelShape.MOST_DIM);
            macros.add("W=" + width);
            macros.add("TB=" + block);
            macros.add("PB=" + Math.max(block, PRODUCT_TOKENS));
        }
        return macros;
    }
}
