package dev.heddle.conformance.saboteur;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.ColdStart;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.MemorySpace;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** Providers that describe themselves, or answer what they can, in wrong ways. */
final class WrongDeclarations {
    private static final long THREAD_LIFE_NANOS = 120_000_000_000L;

    private WrongDeclarations() {}

    /** An id that no command line can take. */
    static Wrapper malformedId(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            public String id() {
                return "My_Backend";
            }
        };
    }

    /** A declaration that needs the driver. */
    static Wrapper throwsWhenAsked(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            public Capabilities capabilities() {
                throw new IllegalStateException("no driver");
            }
        };
    }

    /** A probe that throws where hardware is missing. */
    static Wrapper throwsWhenProbed(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            public Availability probe() {
                throw new UnsatisfiedLinkError("libabsent.so.1");
            }
        };
    }

    /** A declaration that starts threads. */
    static Wrapper startsThreads(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            public Capabilities capabilities() {
                Thread.ofPlatform().daemon().name("eager-worker")
                        .start(() -> LockSupport.parkNanos(THREAD_LIFE_NANOS));
                return super.capabilities();
            }
        };
    }

    /** A declaration that changes from call to call. */
    static Wrapper changing(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private int calls;

            @Override
            public Capabilities capabilities() {
                ColdStart coldStart = ++calls % 2 == 0 ? ColdStart.CACHED : ColdStart.AHEAD_OF_TIME;
                return super.capabilities().toBuilder().coldStart(coldStart).build();
            }
        };
    }

    /** A declaration without members. */
    static Wrapper empty(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            public Capabilities capabilities() {
                Capabilities can = super.capabilities();
                return new Capabilities(can.groupSizes(), can.kvHeads(), List.of(), can.pageSizes(),
                        can.pageSplit(), can.qoLen(), can.kvLen(), can.batchSize(), can.pageIds(),
                        can.maxKvBytes(), List.of(), can.kvQuantisations(), Set.of(), can.strides(),
                        can.alignment(), can.memorySpaces(), can.pageTableForms(), can.masks(),
                        can.features(),
                        can.determinism(), can.accuracy(), can.concurrency(), can.async(), can.capture(),
                        can.workspace(), can.coldStart());
            }
        };
    }

    /** Lets more pass, once opened, than it declares. */
    static Wrapper moreThanDeclared(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private boolean opening;

            @Override
            public Capabilities capabilities() {
                Capabilities all = super.capabilities();
                boolean wide = opening;
                opening = false;
                return wide ? all : all.toBuilder().pageSizes(IntSet.of(16)).build();
            }

            @Override
            void opened(BackendContext context) {
                opening = true;
            }
        };
    }

    /** An answer that depends on how often it was asked for. */
    static Wrapper moody(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private int asked;

            @Override
            List<Rejection> refine(AttentionBackend backend, AttentionSpec spec, BatchShape batch,
                    PlanOptions options) {
                return ++asked % 3 != 0 ? List.of() : refusal(this, Dimension.WORKSPACE, "1", "0");
            }
        };
    }

    /** Refuses whatever it declares, as being too much for this device. */
    static Wrapper refusesAll(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            List<Rejection> refine(AttentionBackend backend, AttentionSpec spec, BatchShape batch,
                    PlanOptions options) {
                return refusal(this, Dimension.WORKSPACE, "1", "0");
            }
        };
    }

    /** Declares any group size and refuses 7, as being too much for this device. */
    static Wrapper refusesSeven(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            List<Rejection> refine(AttentionBackend backend, AttentionSpec spec, BatchShape batch,
                    PlanOptions options) {
                return spec.groupSize() == 7 ? refusal(this, Dimension.GROUP_SIZE, "7", "{1,2,3,4,8}")
                        : List.of();
            }
        };
    }

    private static List<Rejection> refusal(Wrapper from, Dimension dimension, String requested,
            String allowed) {
        return List.of(Rejection.of(from.id(), RejectionCode.RESOURCES, Phase.REFINE, dimension, requested,
                allowed, ""));
    }

    /** Supported, it says, whatever is asked, but there are kernels for five group sizes only. */
    static Wrapper fiveGroupSizes(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
                if (!List.of(1, 2, 3, 4, 8).contains(spec.groupSize())) {
                    throw new UnsupportedOperationException("no kernel for group size " + spec.groupSize());
                }
            }
        };
    }

    /** Supported, it says of one KV head, and then makes no plan. */
    static Wrapper promisesTooMuch(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
                if (spec.numKvHeads() == 1) {
                    throw new UnsupportedOperationException("no kernel for one KV head");
                }
            }
        };
    }

    /** No pages of 16 tokens. */
    static Wrapper belowLeastProfile(AttentionBackendProvider real) {
        return new Wrapper(real) {
            @Override
            public Capabilities capabilities() {
                return super.capabilities().toBuilder().pageSizes(IntSet.of(8, 32)).build();
            }
        };
    }

    /** Costs that change with every opening. */
    static Wrapper changingCosts(AttentionBackendProvider real) {
        return new Wrapper(real) {
            private int asked;

            @Override
            CostProfile costs(AttentionBackend backend) {
                return new CostProfile(++asked, Map.of(), 1, 1, 1, 1, 1, 1, 0, 0);
            }
        };
    }
}
