package dev.heddle.conformance.rules.chapter7;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The subject under another name, promising to be faster than anything, with one fault. */
final class Companion implements AttentionBackendProvider {
    /** What it says when it fails. */
    static final String WORDS = "the device fell off the bus";

    private static final CostProfile FASTEST =
            new CostProfile(1e9, Map.of(), 1e12, 1 << 16, 1, 0.001, 0.001, 0, 0, 0);
    private static final int ODD_GROUP = 9973; // a prime that no model has

    /** What is wrong with it. */
    enum Fault {
        NONE, NARROW, FAILS_TO_OPEN, FAILS_TO_PLAN, FAILS_TO_RUN
    }

    private final String id;
    private final AttentionBackendProvider subject;
    private final Fault fault;

    Companion(String id, AttentionBackendProvider subject, Fault fault) {
        this.id = id;
        this.subject = subject;
        this.fault = fault;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public String version() {
        return "companion";
    }

    @Override
    public Capabilities capabilities() {
        Capabilities can = subject.capabilities();
        return fault == Fault.NARROW ? can.toBuilder().groupSizes(IntSet.of(ODD_GROUP)).build() : can;
    }

    @Override
    public Availability probe() {
        return subject.probe();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        if (fault == Fault.FAILS_TO_OPEN) {
            throw new IllegalStateException(WORDS);
        }
        return new Opened(subject.open(context), fault);
    }

    private record Opened(AttentionBackend backend, Fault fault) implements AttentionBackend {
        @Override
        public MemorySpace memorySpace() {
            return backend.memorySpace();
        }

        @Override
        public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            if (fault == Fault.FAILS_TO_PLAN) {
                throw new IllegalStateException(WORDS);
            }
            return new Plan(backend.plan(spec, batch, options), fault);
        }

        @Override
        public List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            return backend.refine(spec, batch, options);
        }

        @Override
        public CostProfile costProfile() {
            return FASTEST;
        }

        @Override
        public void close() {
            backend.close();
        }
    }

    private record Plan(BackendPlan plan, Fault fault) implements BackendPlan {
        @Override
        public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
            if (fault == Fault.FAILS_TO_RUN) {
                throw new IllegalStateException(WORDS);
            }
            plan.run(q, kv, out, lse, heads);
        }

        @Override
        public ExecutionQueue queue() {
            return plan.queue();
        }

        @Override
        public Schedule schedule() {
            return plan.schedule();
        }

        @Override
        public void close() {
            plan.close();
        }
    }
}
