package dev.heddle.core.spi;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.tensor.MemorySpace;
import java.util.List;
import java.util.function.DoubleConsumer;

/**
 * An opened backend. Its session calls it with supported requests only, and never after close.
 *
 * @since 0.1
 */
@Stable
public interface AttentionBackend extends AutoCloseable {
    /** Returns the memory space that q, out and KV caches must lie in. */
    MemorySpace memorySpace();

    /**
     * Makes a plan: everything that depends on lengths. Called from any thread.
     *
     * @param spec a spec that the declaration contains
     * @param batch a batch that the declaration contains; immutable, may be kept
     * @param options the caller's wishes
     */
    BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options);

    /**
     * Returns reasons, beyond the declaration, why this device cannot run a request; empty if it can. May only
     * remove: what the declaration excludes stays excluded. A pure function.
     */
    default List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return List.of();
    }

    /** Returns the constants of the planner's cost model as shipped; calibration replaces them. */
    default CostProfile costProfile() {
        return CostProfile.UNKNOWN;
    }

    /**
     * Measures choices of its own, such as tile sizes, on the opened device, takes the best and keeps them in the
     * context's cache directory for later processes. Asked for by a calibration, before the constants are measured; plans
     * made earlier stay as they are. Does nothing unless overridden.
     *
     * @param progress told the share done, 0 … 1
     */
    default void tune(DoubleConsumer progress) {}

    /** Frees everything that this backend owns. Its plans are closed before. */
    @Override
    void close();
}
