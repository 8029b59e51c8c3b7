package dev.heddle.conformance.reference;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The plain backend, broken wherever a subclass overrides something. */
class BrokenBackend implements AttentionBackendProvider {
    private final PlainBackend plain;

    BrokenBackend() {
        this(new PlainMath());
    }

    BrokenBackend(PlainMath math) {
        this.plain = new PlainBackend(math);
    }

    @Override
    public String id() {
        return "broken";
    }

    @Override
    public Capabilities capabilities() {
        return plain.capabilities();
    }

    List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return List.of();
    }

    void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {}

    void afterRun(BatchShape batch, KvCacheView kv, Tensor out) {}

    @Override
    public AttentionBackend open(BackendContext context) {
        AttentionBackend backend = plain.open(context);
        return new AttentionBackend() {
            @Override
            public MemorySpace memorySpace() {
                return backend.memorySpace();
            }

            @Override
            public List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
                return BrokenBackend.this.refine(spec, batch, options);
            }

            @Override
            public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
                beforePlan(spec, batch, memorySpace());
                return new BrokenPlan(backend.plan(spec, batch, options), batch);
            }

            @Override
            public void close() {
                backend.close();
            }
        };
    }

    private final class BrokenPlan implements BackendPlan {
        private final BackendPlan plan;
        private final BatchShape batch;

        private BrokenPlan(BackendPlan plan, BatchShape batch) {
            this.plan = plan;
            this.batch = batch;
        }

        @Override
        public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
            plan.run(q, kv, out, lse, heads);
            afterRun(batch, kv, out);
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
