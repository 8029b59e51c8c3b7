package dev.heddle.conformance.reference;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The opened plain backend: it keeps nothing between runs. */
record PlainSession(MemorySpace memorySpace, PlainMath math) implements AttentionBackend {
    @Override
    public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return new Plan(spec, batch, options);
    }

    @Override
    public void close() {}

    private final class Plan implements BackendPlan {
        private final PlainRun run;
        private final PlanOptions options;

        private Plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            this.run = new PlainRun(math, spec, batch, Math.max(1, options.kvSplits()));
            this.options = options;
        }

        @Override
        public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
            run.run(q, kv, out, lse, heads);
        }

        @Override
        public ExecutionQueue queue() {
            ExecutionQueue queue = options.queue();
            return queue == null ? memorySpace.defaultQueue() : queue;
        }

        @Override
        public Schedule schedule() {
            return new Schedule(1, Math.max(1, options.kvSplits()), 0);
        }

        @Override
        public void close() {}
    }
}
