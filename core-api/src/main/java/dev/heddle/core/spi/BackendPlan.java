package dev.heddle.core.spi;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A batch made ready to run, for every layer of the model. Its session checks tensors before each run and serialises
 * runs of one plan.
 *
 * @since 0.1
 */
@Stable
public interface BackendPlan extends AutoCloseable {
    /**
     * Enqueues attention of one layer on {@link #queue()}. Allocates nothing.
     *
     * @param q {@code [total_qo_len, num_qo_heads, head_dim_qk]}
     * @param kv pages of this layer, at least as many as the page table's pool
     * @param out {@code [total_qo_len, num_qo_heads, head_dim_vo]}; every element is written
     * @param lse {@code [total_qo_len, num_qo_heads]} f32, every element is written; null exactly if the spec has none
     * @param heads sinks and slopes where the spec has them
     */
    void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads);

    /**
     * Takes a new batch in place of the old one, keeping buffers and captured work valid, if the new one fits.
     *
     * @param batch a batch that the declaration contains
     * @return whether it was taken; if not, nothing has changed and a new plan is needed
     */
    default boolean replan(BatchShape batch) {
        return false;
    }

    /** Returns the queue that runs are enqueued on. */
    ExecutionQueue queue();

    /** Returns how the work was cut, for reports. */
    Schedule schedule();

    /** Frees what this plan owns. Work already enqueued is finished first. */
    @Override
    void close();
}
