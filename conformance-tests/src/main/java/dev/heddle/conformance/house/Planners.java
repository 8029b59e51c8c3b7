package dev.heddle.conformance.house;

import dev.heddle.conformance.input.Placed;
import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.planner.AttentionPlan;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanReport;
import dev.heddle.planner.PlanRequest;
import dev.heddle.planner.PlannerEvent;
import java.util.List;
import java.util.function.Consumer;

/**
 * A planner under test: chapter 7.
 *
 * @since 0.1
 */
@Evolving
@FunctionalInterface
public interface Planners {
    /** Heddle's own planner. */
    Planners HEDDLE = (providers, listener) -> new OfHeddle(
            Heddle.builder().providers(providers).listener(listener).open());

    /** Opens a planner over these backends. */
    Planner open(List<AttentionBackendProvider> providers, Consumer<PlannerEvent> listener);

    /** Opens a planner that nobody listens to. */
    default Planner open(List<AttentionBackendProvider> providers) {
        return open(providers, event -> {});
    }

    /** One open planner. */
    interface Planner extends AutoCloseable {
        /** Returns where inputs must lie. */
        MemorySpace memorySpace();

        /** Says what would be chosen. */
        PlanReport explain(AttentionSpec spec, BatchShape batch, PlanRequest request);

        /** Chooses and plans. */
        Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request);

        @Override
        void close();
    }

    /** One plan of it. */
    interface Planned extends AutoCloseable {
        /** Returns who runs it, or ran it last. */
        String backendId();

        /** Runs once and waits for the result. */
        void run(Placed placed);

        @Override
        void close();
    }

    /** Heddle behind this interface. */
    record OfHeddle(Heddle heddle) implements Planner {
        @Override
        public MemorySpace memorySpace() {
            return heddle.memorySpace();
        }

        @Override
        public PlanReport explain(AttentionSpec spec, BatchShape batch, PlanRequest request) {
            return heddle.explain(spec, batch, request);
        }

        @Override
        public Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
            return new PlanOfHeddle(heddle.plan(spec, batch, request));
        }

        @Override
        public void close() {
            heddle.close();
        }
    }

    /** A plan of Heddle behind this interface. */
    record PlanOfHeddle(AttentionPlan plan) implements Planned {
        @Override
        public String backendId() {
            return plan.backendId();
        }

        @Override
        public void run(Placed placed) {
            plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
            plan.queue().synchronize();
        }

        @Override
        public void close() {
            plan.close();
        }
    }
}
