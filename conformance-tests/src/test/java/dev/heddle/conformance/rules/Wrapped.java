package dev.heddle.conformance.rules;

import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The plain backend with places where a saboteur may step in. */
public class Wrapped implements AttentionBackendProvider {
    private final PlainBackend plain = new PlainBackend();

    @Override
    public String id() {
        return "wrapped";
    }

    @Override
    public String version() {
        return "1";
    }

    @Override
    public Capabilities capabilities() {
        return plain.capabilities();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        opened(context);
        AttentionBackend backend = plain.open(context);
        return new AttentionBackend() {
            @Override
            public MemorySpace memorySpace() {
                return backend.memorySpace();
            }

            @Override
            public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
                return planOf(backend.plan(spec, batch, options));
            }

            @Override
            public CostProfile costProfile() {
                return profile();
            }

            @Override
            public void close() {
                closed();
                backend.close();
            }
        };
    }

    private BackendPlan planOf(BackendPlan plan) {
        return new BackendPlan() {
            private final Object state = newState();

            @Override
            public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse,
                    HeadParameters heads) {
                Wrapped.this.run(state, plan, q, kv, out, lse, heads);
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
                planClosed();
                plan.close();
            }
        };
    }

    /** Called when the backend opens. */
    protected void opened(BackendContext context) {}

    /** Called when it closes. */
    protected void closed() {}

    /** Called when a plan closes. */
    protected void planClosed() {}

    /** Returns the shipped cost profile. */
    protected CostProfile profile() {
        return CostProfile.UNKNOWN;
    }

    /** Returns what a plan keeps between runs. */
    protected Object newState() {
        return this;
    }

    /** Runs. */
    protected void run(
            Object state, BackendPlan plan, Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse,
            HeadParameters heads) {
        plan.run(q, kv, out, lse, heads);
    }
}
