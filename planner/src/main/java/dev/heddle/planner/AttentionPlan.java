package dev.heddle.planner;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A batch made ready on the chosen backend: run it once for every layer. If the backend fails, it is quarantined and
 * the layer is run again on the next one in the same memory space, unless the request pinned it.
 *
 * <p>One thread runs a plan at a time; others wait.
 *
 * @since 0.1
 */
@Stable
public final class AttentionPlan implements AutoCloseable {
    private final Heddle heddle;
    private final PlanRequest request;
    private volatile Backend backend;
    private volatile SessionPlan plan;

    AttentionPlan(Heddle heddle, PlanRequest request, Backend backend, SessionPlan plan) {
        this.heddle = heddle;
        this.request = request;
        this.backend = backend;
        this.plan = plan;
    }

    /**
     * Enqueues attention of one layer. In the steady state this allocates nothing.
     *
     * @param q {@code [total_qo_len, num_qo_heads, head_dim_qk]} of the spec's dtype
     * @param kv this layer's pages, at least as many as the page table's pool
     * @param out {@code [total_qo_len, num_qo_heads, head_dim_vo]}; every element is written
     * @param lse {@code [total_qo_len, num_qo_heads]} f32; null exactly if the spec has no LSE
     * @throws IllegalArgumentException if an argument does not fit spec and batch; nothing was written
     * @throws BackendFailureException if a pinned backend fails
     * @throws IllegalStateException if this plan is closed
     */
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse) {
        run(q, kv, out, lse, HeadParameters.NONE);
    }

    /** As {@link #run(Tensor, KvCacheView, Tensor, Tensor)}, with sinks or ALiBi slopes. */
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        if (JfrEvents.RunEvent.TYPE.isEnabled()) {
            JfrEvents.RunEvent event = new JfrEvents.RunEvent();
            event.begin();
            runOrMove(q, kv, out, lse, heads);
            event.backend = backendId();
            event.commit();
            return;
        }
        runOrMove(q, kv, out, lse, heads);
    }

    private void runOrMove(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        while (true) {
            SessionPlan current = plan;
            try {
                current.run(q, kv, out, lse, heads);
                return;
            } catch (BackendFailureException e) {
                move(current, e);
            }
        }
    }

    private synchronized void move(SessionPlan failed, BackendFailureException failure) {
        if (plan != failed) {
            return; // another thread has moved this plan already
        }
        heddle.quarantine(backend, failure);
        if (heddle.isPinned(request)) {
            throw failure;
        }
        String from = backend.name();
        AttentionPlan next = heddle.plan(failed.spec(), failed.batch(), request);
        backend = next.backend;
        plan = next.plan;
        failed.close();
        heddle.recovered(from, backend.name());
    }

    /**
     * Takes a new batch in place of the old one, if it fits the buffers and captures of this plan.
     *
     * @return whether it was taken; if not, nothing has changed and a new plan is needed
     */
    public boolean replan(BatchShape batch) {
        return plan.replan(batch);
    }

    /** Returns the queue that runs are enqueued on. */
    public ExecutionQueue queue() {
        return plan.queue();
    }

    /** Returns the id of the backend that runs this plan. */
    public String backendId() {
        return backend.name();
    }

    /** Returns the spec. */
    public AttentionSpec spec() {
        return plan.spec();
    }

    /** Returns the batch in force. */
    public BatchShape batch() {
        return plan.batch();
    }

    /** Returns how the work was cut. */
    public Schedule schedule() {
        return plan.schedule();
    }

    /** Says why this backend was chosen, and why not the others. */
    public PlanReport explain() {
        PlanReport report = heddle.explain(plan.spec(), plan.batch(), request);
        return new PlanReport(report.request(), backend.name(), report.candidates());
    }

    /** Frees the plan; a second call does nothing. */
    @Override
    public void close() {
        plan.close();
    }
}
