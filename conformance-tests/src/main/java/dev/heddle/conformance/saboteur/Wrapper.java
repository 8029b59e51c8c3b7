package dev.heddle.conformance.saboteur;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.Capabilities;
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
import org.jspecify.annotations.Nullable;

/** A backend that leaves everything to another one, with places where a saboteur may step in. */
class Wrapper implements AttentionBackendProvider {
    private final AttentionBackendProvider real;

    Wrapper(AttentionBackendProvider real) {
        this.real = real;
    }

    /** What a run is given. */
    record Run(AttentionSpec spec, BatchShape batch, Tensor q, KvCacheView kv, Tensor out,
            @Nullable Tensor lse,
            HeadParameters heads) {
        void by(BackendPlan plan) {
            plan.run(q, kv, out, lse, heads);
        }

        Run withQ(Tensor other) {
            return new Run(spec, batch, other, kv, out, lse, heads);
        }
    }

    @Override
    public String id() {
        return real.id();
    }

    @Override
    public String version() {
        return real.version();
    }

    @Override
    public Capabilities capabilities() {
        return real.capabilities();
    }

    @Override
    public Availability probe() {
        return real.probe();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        opened(context);
        return new Opened(this, real.open(context));
    }

    /** Called when the backend opens. */
    void opened(BackendContext context) {}

    /** Called before each plan. */
    void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {}

    /** Makes a plan. */
    BackendPlan plan(AttentionBackend backend, AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return backend.plan(spec, batch, options);
    }

    /** Returns further reasons to refuse. */
    List<Rejection> refine(AttentionBackend backend, AttentionSpec spec, BatchShape batch,
            PlanOptions options) {
        return backend.refine(spec, batch, options);
    }

    /** Runs. */
    void run(BackendPlan plan, Run run) {
        run.by(plan);
        afterRun(run);
    }

    /** Called after each run. */
    void afterRun(Run run) {}

    /** Called when a plan closes. */
    void planClosed() {}

    /** Returns the constants of the cost model. */
    CostProfile costs(AttentionBackend backend) {
        return backend.costProfile();
    }

    private record Opened(Wrapper wrapper, AttentionBackend backend) implements AttentionBackend {
        @Override
        public MemorySpace memorySpace() {
            return backend.memorySpace();
        }

        @Override
        public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            wrapper.beforePlan(spec, batch, backend.memorySpace());
            return new Planned(wrapper, wrapper.plan(backend, spec, batch, options), spec, batch);
        }

        @Override
        public List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            return wrapper.refine(backend, spec, batch, options);
        }

        @Override
        public CostProfile costProfile() {
            return wrapper.costs(backend);
        }

        @Override
        public void close() {
            backend.close();
        }
    }

    private static final class Planned implements BackendPlan {
        private final Wrapper wrapper;
        private final BackendPlan plan;
        private final AttentionSpec spec;
        private final BatchShape batch;
        private @Nullable Run last;

        Planned(Wrapper wrapper, BackendPlan plan, AttentionSpec spec, BatchShape batch) {
            this.wrapper = wrapper;
            this.plan = plan;
            this.spec = spec;
            this.batch = batch;
        }

        @Override
        public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
            // Kept for the next run of the same buffers: a wrapper must not be caught for what it allocates itself.
            Run run = last;
            if (run == null || run.q() != q || run.kv() != kv || run.out() != out || run.lse() != lse
                    || run.heads() != heads) {
                run = new Run(spec, batch, q, kv, out, lse, heads);
                last = run;
            }
            wrapper.run(plan, run);
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
            wrapper.planClosed();
            plan.close();
        }
    }
}
