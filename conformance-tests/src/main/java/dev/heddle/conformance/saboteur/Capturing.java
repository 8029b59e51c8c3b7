package dev.heddle.conformance.saboteur;

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
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A host backend whose runs can be captured and replayed, rightly or with the page table of the recording. */
final class Capturing extends Wrapper {
    private final boolean takesNewTables;

    /**
     * Wraps a backend.
     *
     * @param takesNewTables whether a replay uses the batch that the plan was given last
     */
    Capturing(AttentionBackendProvider real, boolean takesNewTables) {
        super(real);
        this.takesNewTables = takesNewTables;
    }

    @Override
    public Capabilities capabilities() {
        return super.capabilities().toBuilder().capture(true).build();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        AttentionBackend backend = super.open(context);
        MemorySpace space = new RecordingSpace(backend.memorySpace());
        return new AttentionBackend() {
            @Override
            public MemorySpace memorySpace() {
                return space;
            }

            @Override
            public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
                return new Replayable(backend, spec, batch, options, takesNewTables);
            }

            @Override
            public void close() {
                backend.close();
            }
        };
    }

    /** A plan whose runs go to a recording where one is under way. */
    private static final class Replayable implements BackendPlan {
        private final AttentionBackend backend;
        private final AttentionSpec spec;
        private final PlanOptions options;
        private final boolean takesNewTables;
        private BackendPlan plan;

        Replayable(AttentionBackend backend, AttentionSpec spec, BatchShape batch, PlanOptions options,
                boolean takesNewTables) {
            this.backend = backend;
            this.spec = spec;
            this.options = options;
            this.takesNewTables = takesNewTables;
            this.plan = make(batch);
        }

        private BackendPlan make(BatchShape batch) {
            return backend.plan(spec, batch, new PlanOptions(options.space(), null, options.kvSplits(),
                    options.partial(), false));
        }

        @Override
        public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
            Runnable work = () -> plan.run(q, kv, out, lse, heads);
            if (!(options.queue() instanceof RecordingQueue queue && queue.takes(work))) {
                work.run();
            }
        }

        @Override
        public boolean replan(BatchShape batch) {
            if (takesNewTables) {
                plan.close();
                plan = make(batch);
            }
            return true;
        }

        @Override
        public ExecutionQueue queue() {
            ExecutionQueue queue = options.queue();
            return queue == null ? plan.queue() : queue;
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
