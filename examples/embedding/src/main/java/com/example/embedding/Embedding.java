package com.example.embedding;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.planner.Heddle;

/** One decode step of a model with 28 query heads, 4 KV heads and two layers, for two sequences. */
public final class Embedding {
    private Embedding() {}

    /** Runs the step and prints which backend was chosen, why, and why not the others. */
    public static void main(String... arguments) {
        int layers = 2;
        try (var heddle = Heddle.open()) {
            var spec = AttentionSpec.builder().numQoHeads(28).numKvHeads(4).headDim(128)
                    .dtype(DataType.BF16).pageSize(16).causal().build();
            // 20 tokens in pages 3 and 1, 16 tokens in page 0
            var pages = PageTable.of(16, 4, new int[] {0, 2, 3}, new int[] {3, 1, 0}, new int[] {4, 16});
            var q = heddle.allocate(DataType.BF16, 2, 28, 128);
            var out = heddle.allocate(DataType.BF16, 2, 28, 128);
            var lse = heddle.allocate(DataType.F32, 2, 28);
            try (var cache = heddle.allocateKvCache(spec, layers, 4);
                    var plan = heddle.plan(spec, BatchShape.decode(pages))) {
                for (int layer = 0; layer < layers; layer++) {
                    plan.run(q, cache.layer(layer), out, lse); // after writing q and this step's K and V
                }
                plan.queue().synchronize();
                System.out.println(plan.explain().toTable());
            }
        }
    }
}
