package dev.heddle.browser;

import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.conformance.reference.PlainMath;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;

/** A backend with narrow limits, and an LSE to base 2: a report of it has passes, failures and refusals. */
final class Abacus implements AttentionBackendProvider {
    @Override
    public String id() {
        return "abacus";
    }

    @Override
    public String version() {
        return "1.0 <beta>";
    }

    @Override
    public Capabilities capabilities() {
        return Capabilities.builder().groupSizes(IntSet.of(1, 2, 4, 8)).headDims(64, 128)
                .dtypes(DataType.F32).pageSizes(IntSet.of(8, 16)).features(Feature.LSE).build();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new PlainBackend(new PlainMath() {
            @Override
            protected float lse(float shift, float sum) {
                return (float) (super.lse(shift, sum) / Math.log(2));
            }
        }).open(context);
    }
}
