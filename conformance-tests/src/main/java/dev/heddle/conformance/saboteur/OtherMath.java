package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.conformance.reference.PlainMath;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A backend whose runs are plain attention with steps of its own; everything else is the real one's. */
final class OtherMath extends Wrapper {
    private final PlainBackend plain;
    private volatile @Nullable AttentionBackend opened; // keeps nothing of its own: the last one does for all

    OtherMath(AttentionBackendProvider real, PlainMath math) {
        super(real);
        this.plain = new PlainBackend(math);
    }

    @Override
    void opened(BackendContext context) {
        opened = plain.open(context);
    }

    @Override
    BackendPlan plan(AttentionBackend backend, AttentionSpec spec, BatchShape batch, PlanOptions options) {
        backend.plan(spec, batch, options).close(); // the real one still has to be able to
        return Objects.requireNonNull(opened).plan(spec, batch, options);
    }
}
