package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.house.House;
import dev.heddle.conformance.house.Planners;
import dev.heddle.conformance.house.TableMaker;
import dev.heddle.conformance.input.Placed;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.capability.Support;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.page.InvalidPageTableException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.ProviderCheck;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.PlanReport;
import dev.heddle.planner.PlanRequest;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Parts around backends with one fault each. */
final class WrongHouses {
    private static final Planners REAL = House.HEDDLE.planners();

    private WrongHouses() {}

    /** Discovery ends at the first provider that is broken. */
    static House stopsAtTheFirstBroken() {
        return House.HEDDLE.withDiscovery(providers -> House.HEDDLE.discovery().backends(
                providers.stream().takeWhile(WrongHouses::sound).toList()));
    }

    /** Discovery leaves broken providers out, and says nothing. */
    static House hidesTheBroken() {
        return House.HEDDLE.withDiscovery(providers -> House.HEDDLE.discovery().backends(
                providers.stream().filter(WrongHouses::sound).toList()));
    }

    private static boolean sound(AttentionBackendProvider provider) {
        List<BackendReport> alone = House.HEDDLE.discovery().backends(List.of(provider));
        return ProviderCheck.check(provider).isEmpty() && !alone.isEmpty()
                && alone.getFirst().status() == BackendReport.Status.AVAILABLE;
    }

    /** Evaluation ends at the first reason. */
    static House givesTheFirstReason() {
        return House.HEDDLE.withAsking((session, spec, batch, options) -> Support.of(
                session.support(spec, batch, options).rejections().stream().limit(1).toList()));
    }

    /** Everything is supported. */
    static House supportsEverything() {
        return House.HEDDLE.withAsking((session, spec, batch, options) -> Support.of(List.of()));
    }

    /** Page ids are brought into the pool in place of being refused. */
    static House clampsIds() {
        return House.HEDDLE.withTables((pageSize, pool, indptr, indices, last, qoIndptr) -> TableMaker.core(
                pageSize, pool, indptr,
                Arrays.stream(indices).map(id -> Math.clamp(id, 0, pool - 1)).toArray(), last, qoIndptr));
    }

    /** A bad table is refused without saying where it is bad. */
    static House doesNotSayWhere() {
        return House.HEDDLE.withTables((pageSize, pool, indptr, indices, last, qoIndptr) -> {
            try {
                return TableMaker.core(pageSize, pool, indptr, indices, last, qoIndptr);
            } catch (InvalidPageTableException e) {
                throw new InvalidPageTableException(-1, "page table", -1, "valid", 0);
            }
        });
    }

    /** Pins are overlooked. */
    static House ignoresPins() {
        return bent(planner -> new Bent(planner) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                return super.plan(spec, batch, PlanRequest.DEFAULT);
            }
        });
    }

    /** Where a pinned backend cannot, another one runs in silence. */
    static House fallsBackInSilence() {
        return bent(planner -> new Bent(planner) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                try {
                    return super.plan(spec, batch, request);
                } catch (UnsupportedRequestException | BackendFailureException e) {
                    return super.plan(spec, batch, PlanRequest.DEFAULT);
                }
            }
        });
    }

    /** Nobody hears of a quarantine. */
    static House saysNothing() {
        return House.HEDDLE.withPlanners((providers, listener) -> REAL.open(providers, event -> {}));
    }

    /** A batch that was run again leaves zeros. */
    static House recoversWrongly() {
        return bent(planner -> new Bent(planner) {
            @Override
            void ran(Placed placed) {
                HostTensors.fill(placed.out(), new float[(int) placed.out().elements()]);
            }
        });
    }

    /** A failure stops the batch: nobody else runs it. */
    static House doesNotRecover() {
        return bent(planner -> new Bent(planner) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                String chosen = planner.explain(spec, batch, request).chosen();
                return super.plan(spec, batch, chosen == null ? request : PlanRequest.pin(chosen));
            }
        });
    }

    /** With nobody left, the error has the reasons of one backend. */
    static House dropsReasons() {
        return bent(planner -> new Bent(planner) {
            @Override
            public Planners.Planned plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
                try {
                    return super.plan(spec, batch, request);
                } catch (UnsupportedRequestException e) {
                    throw new UnsupportedRequestException("no backend", e.rejections().subList(0, 1));
                }
            }
        });
    }

    private static House bent(UnaryOperator<Planners.Planner> bend) {
        return House.HEDDLE.withPlanners(
                (providers, listener) -> bend.apply(REAL.open(providers, listener)));
    }

    /** A planner that leaves everything to another one, with places where a saboteur may step in. */
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
