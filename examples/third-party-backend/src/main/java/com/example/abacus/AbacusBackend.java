package com.example.abacus;

import dev.heddle.core.attention.Feature;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;

/**
 * A backend with narrow limits: decode of f32 for five group sizes. A model with group size 7 never reaches it. It is
 * below the kit's least profile (rule 2.07): it may register, and does not conform.
 */
public final class AbacusBackend implements AttentionBackendProvider {
    @Override
    public String id() {
        return "abacus";
    }

    @Override
    public Capabilities capabilities() {
        return Capabilities.builder()
                .groupSizes(IntSet.of(1, 2, 3, 4, 8))
                .headDims(64, 128)
                .dtypes(DataType.F32)
                .qoLen(IntRange.of(1))
                .features(Feature.LSE)
                .build();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new Abacus(context.hostSpace());
    }
}
