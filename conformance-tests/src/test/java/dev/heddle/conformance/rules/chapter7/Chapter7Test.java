package dev.heddle.conformance.rules.chapter7;

import static dev.heddle.conformance.rules.Rules.assertCatches;
import static dev.heddle.conformance.rules.Rules.assertPasses;

import dev.heddle.conformance.Rule;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.conformance.rules.Wrapped;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.planner.PlanReport;
import dev.heddle.planner.PlanRequest;
import java.util.Map;
import org.junit.jupiter.api.Test;

class Chapter7Test {
    @Test
    void heddlePasses() {
        for (Rule rule : Chapter7.rules()) {
            assertPasses(rule, new PlainBackend());
        }
    }

    @Test
    void costThatChangesIsCaught() {
        assertCatches(new SameChoice(), new Wrapped() {
            private int opened;

            @Override
            protected CostProfile profile() {
                return new CostProfile(++opened, Map.of(), 1, 1, 1, 1, 1, 1, 0, 0);
            }
        }, "the same inputs gave two answers");
    }

    @Test
    void plannerThatIgnoresPinsIsCaught() {
        Planners planners = (providers, listener) -> new Bent(Planners.HEDDLE.open(providers, listener)) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                return super.plan(spec, batch, PlanRequest.DEFAULT);
            }
        };
        assertCatches(new Pinned(planners), new PlainBackend(), "pinned to plain", "got kit-companion");
    }

    @Test
    void silentFallbackOfAPinnedBackendIsCaught() {
        Planners planners = (providers, listener) -> new Bent(Planners.HEDDLE.open(providers, listener)) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                try {
                    return super.plan(spec, batch, request);
                } catch (UnsupportedRequestException | BackendFailureException e) {
                    return super.plan(spec, batch, PlanRequest.DEFAULT);
                }
            }
        };
        assertCatches(new Pinned(planners), new PlainBackend(),
                "the batch ran on plain and nothing was thrown");
    }

    @Test
    void recoveryWithoutAnEventIsCaught() {
        Planners planners = (providers, listener) -> Planners.HEDDLE.open(providers, event -> {});
        assertCatches(new Quarantine(planners), new PlainBackend(), "events must say", "got []");
    }

    @Test
    void recoveryWithAWrongResultIsCaught() {
        Planners planners = (providers, listener) -> new Bent(Planners.HEDDLE.open(providers, listener)) {
            @Override
            void ran(Placed placed) {
                HostTensors.fill(placed.out(), new float[(int) placed.out().elements()]);
            }
        };
        assertCatches(new Quarantine(planners), new PlainBackend(), "out");
    }

    @Test
    void failureThatStopsTheBatchIsCaught() {
        Planners planners = (providers, listener) -> new Bent(Planners.HEDDLE.open(providers, listener)) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                return super.plan(spec, batch, PlanRequest.pin("kit-faulty"));
            }
        };
        assertCatches(new Quarantine(planners), new PlainBackend(), Companion.WORDS);
    }

    @Test
    void errorWithoutReasonsIsCaught() {
        Planners planners = (providers, listener) -> new Bent(Planners.HEDDLE.open(providers, listener)) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                try {
                    return super.plan(spec, batch, request);
                } catch (UnsupportedRequestException e) {
                    throw new UnsupportedRequestException("no backend", e.rejections().subList(0, 1));
                }
            }
        };
        assertCatches(new NoneLeft(planners), new PlainBackend(),
                "does not give the reasons of kit-narrower");
    }

    /** A planner with places where a saboteur may step in. */
    private static class Bent implements Planners.Planner {
        private final Planners.Planner planner;

        Bent(Planners.Planner planner) {
            this.planner = planner;
        }

        void ran(Placed placed) {}

        @Override
        public MemorySpace memorySpace() {
            return planner.memorySpace();
        }

        @Override
        public PlanReport explain(AttentionSpec spec, BatchShape batch, PlanRequest request) {
            return planner.explain(spec, batch, request);
        }

        @Override
        public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
            Planners.Planned plan = planner.plan(spec, batch, request);
            return new Planners.Planned() {
                @Override
                public String backendId() {
                    return plan.backendId();
                }

                @Override
                public void run(Placed placed) {
                    plan.run(placed);
                    ran(placed);
                }

                @Override
                public void close() {
                    plan.close();
                }
            };
        }

        @Override
        public void close() {
            planner.close();
        }
    }
}
