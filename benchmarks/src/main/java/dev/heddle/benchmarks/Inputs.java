package dev.heddle.benchmarks;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;

/** Inputs as a serving loop has them. Seeded: every run gets the same. */
final class Inputs {
    static final int PAGE_SIZE = 16;
    static final int HEAD_DIM = 128;

    private Inputs() {}

    static AttentionSpec spec(int numQoHeads, int numKvHeads, DataType dtype) {
        return AttentionSpec.builder()
                .numQoHeads(numQoHeads)
                .numKvHeads(numKvHeads)
                .headDim(HEAD_DIM)
                .dtype(dtype)
                .pageSize(PAGE_SIZE)
                .causal()
                .build();
    }

    static void fill(Tensor tensor, Random random) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() * 2 - 1;
        }
        HostTensors.fill(tensor, values);
    }

    /** The arrays of a page table whose pages lie all over the pool, as they do after a day of serving. */
    record Table(int poolPages, int[] kvIndptr, int[] kvIndices, int[] kvLastPageLen) {
        /** Makes a table; {@code kvLens} has the tokens of each request. */
        static Table permuted(int[] kvLens, Random random) {
            int[] indptr = new int[kvLens.length + 1];
            int[] last = new int[kvLens.length];
            for (int i = 0; i < kvLens.length; i++) {
                int pages = Math.ceilDiv(kvLens[i], PAGE_SIZE);
                indptr[i + 1] = indptr[i] + pages;
                last[i] = kvLens[i] - Math.max(0, pages - 1) * PAGE_SIZE;
            }
            int[] indices = new int[indptr[kvLens.length]];
            Arrays.setAll(indices, i -> i);
            for (int i = indices.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                int page = indices[i];
                indices[i] = indices[other];
                indices[other] = page;
            }
            return new Table(indices.length, indptr, indices, last);
        }

        PageTable toPageTable() {
            return PageTable.of(PAGE_SIZE, poolPages, kvIndptr, kvIndices, kvLastPageLen);
        }
    }
}
