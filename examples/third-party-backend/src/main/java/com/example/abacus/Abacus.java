package com.example.abacus;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.tensor.MemorySpace;

/** The opened backend. It keeps nothing between plans. */
record Abacus(MemorySpace memorySpace) implements AttentionBackend {
    @Override
    public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return new AbacusPlan(spec, batch, memorySpace.defaultQueue());
    }

    @Override
    public void close() {}
}
