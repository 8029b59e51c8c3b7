package dev.heddle.backend.cuda.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;

/** Requests for tests that need no data. */
final class Specs {
    static final int PAGE_SIZE = 16;

    private Specs() {}

    static AttentionSpecBuilder of(int numKvHeads, int groupSize, int headDim, DataType dtype) {
        return AttentionSpec.builder().numQoHeads(numKvHeads * groupSize).numKvHeads(numKvHeads)
                .headDim(headDim)
                .dtype(dtype).pageSize(PAGE_SIZE);
    }

    static AttentionSpecBuilder of(int numKvHeads, int groupSize) {
        return of(numKvHeads, groupSize, 128, DataType.BF16);
    }

    /** Returns a batch; every request has pages of its own, in the pool's order. */
    static BatchShape batch(int[] qoLens, int... kvLens) {
        int[] qoIndptr = new int[qoLens.length + 1];
        int[] kvIndptr = new int[kvLens.length + 1];
        int[] last = new int[kvLens.length];
        for (int i = 0; i < kvLens.length; i++) {
            qoIndptr[i + 1] = qoIndptr[i] + qoLens[i];
            kvIndptr[i + 1] = kvIndptr[i] + Math.ceilDiv(kvLens[i], PAGE_SIZE);
            last[i] = kvLens[i] == 0 ? 0 : (kvLens[i] - 1) % PAGE_SIZE + 1;
        }
        int pages = kvIndptr[kvLens.length];
        int[] ids = new int[pages];
        Arrays.setAll(ids, i -> i);
        return BatchShape.of(qoIndptr, PageTable.of(PAGE_SIZE, pages, kvIndptr, ids, last));
    }

    static BatchShape decode(int... kvLens) {
        int[] ones = new int[kvLens.length];
        Arrays.fill(ones, 1);
        return batch(ones, kvLens);
    }
}
