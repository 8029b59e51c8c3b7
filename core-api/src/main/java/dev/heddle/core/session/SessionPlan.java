package dev.heddle.core.session;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.Support;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.Tensor;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A plan as callers use it: arguments are checked before the backend sees them, runs are serialised, use after close
 * is an {@link IllegalStateException}. Plans of different threads do not disturb each other.
 *
 * @since 0.1
 */
@Stable
public final class SessionPlan implements AutoCloseable {
    private final BackendSession session;
    private final BackendPlan plan;
    private final AttentionSpec spec;
    private final PlanOptions options;
    private final ReentrantLock order;
    private final RunCheck check;
    private volatile BatchShape batch;
    private volatile boolean closed;

    SessionPlan(
            BackendSession session,
            BackendPlan plan,
            AttentionSpec spec,
            BatchShape batch,
            PlanOptions options,
            ReentrantLock order) {
        this.session = session;
        this.plan = plan;
        this.spec = spec;
        this.batch = batch;
        this.options = options;
        this.order = order;
        this.check = new RunCheck(spec, options.space(), session.capabilities().alignment());
    }

    /**
     * Enqueues attention of one layer. In the steady state this allocates nothing.
     *
     * @param q {@code [total_qo_len, num_qo_heads, head_dim_qk]} of the spec's dtype
     * @param kv this layer's pages
     * @param out {@code [total_qo_len, num_qo_heads, head_dim_vo]}, every element is written
     * @param lse {@code [total_qo_len, num_qo_heads]} f32, every element is written; null exactly if the spec has none
     * @throws IllegalArgumentException if an argument does not fit spec and batch; nothing was written
     * @throws BackendFailureException if the backend fails
     * @throws IllegalStateException if this plan is closed
     */
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse) {
        run(q, kv, out, lse, HeadParameters.NONE);
    }

    /** As {@link #run(Tensor, KvCacheView, Tensor, Tensor)}, with sinks or ALiBi slopes. */
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        order.lock();
        try {
            requireOpen();
            check.check(batch, q, kv, out, lse, heads);
            try {
                plan.run(q, kv, out, lse, heads);
            } catch (RuntimeException | LinkageError | AssertionError e) {
                throw new BackendFailureException(session.id(), Phase.RUN, e);
            }
        } finally {
            order.unlock();
        }
    }

    /**
     * Takes a new batch in place of the old one, if it fits the buffers and captures of this plan.
     *
     * @return whether it was taken; if not, nothing has changed and a new plan is needed
     * @throws UnsupportedRequestException if the backend cannot run the new batch at all
     */
    public boolean replan(BatchShape next) {
        Support support = session.support(spec, next, options);
        if (support instanceof Support.Unsupported(List<Rejection> rejections)) {
            throw new UnsupportedRequestException("backend " + session.id() + " cannot run " + spec,
                    rejections);
        }
        order.lock();
        try {
            requireOpen();
            boolean taken;
            try {
                taken = plan.replan(next);
            } catch (RuntimeException | LinkageError | AssertionError e) {
                throw new BackendFailureException(session.id(), Phase.PLAN, e);
            }
            if (taken) {
                batch = next;
            }
            return taken;
        } finally {
            order.unlock();
        }
    }

    /** Returns the id of the backend that runs this plan. */
    public String backendId() {
        return session.id();
    }

    /** Returns the spec. */
    public AttentionSpec spec() {
        return spec;
    }

    /** Returns the batch in force. */
    public BatchShape batch() {
        return batch;
    }

    /** Returns the queue that runs are enqueued on. */
    public ExecutionQueue queue() {
        requireOpen();
        return plan.queue();
    }

    /** Returns how the work was cut. */
    public Schedule schedule() {
        requireOpen();
        return plan.schedule();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("attention plan of backend " + session.id() + " is closed");
        }
    }

    /** Waits for a run under way, then frees the plan; a second call does nothing. */
    @Override
    public void close() {
        order.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            session.forget(this);
            plan.close();
        } finally {
            order.unlock();
        }
    }
}
