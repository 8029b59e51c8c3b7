package dev.heddle.cli.input;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Inputs of one run, in host memory, and the answer where a file keeps one. Closing it frees the inputs.
 *
 * @param name what reports call it
 * @param heads sinks and slopes, made up where the spec has them
 * @param answer the kept answer, or null
 * @param resource what owns the memory
 */
public record Case(
        String name,
        AttentionSpec spec,
        BatchShape batch,
        Tensor q,
        KvCacheView kv,
        HeadParameters heads,
        @Nullable Answer answer,
        AutoCloseable resource)
        implements AutoCloseable {
    /**
     * An answer in fp64, rounded to f32, and how far from it a result may lie.
     *
     * @param out {@code [total_qo_len, num_qo_heads, head_dim_vo]} f32
     * @param lse {@code [total_qo_len, num_qo_heads]} f32
     * @param maxBound of the largest error, or NaN to derive it from a reference
     * @param meanBound of the mean error, or NaN
     */
    public record Answer(Tensor out, Tensor lse, double maxBound, double meanBound) {}

    /** Returns the bytes of K and V that the batch reads, each once. */
    public double kvBytes() {
        double tokens = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            long kvLen = batch.kvLen(i);
            tokens += spec.windowLeft() < 0 ? kvLen
                    : Math.min(kvLen, (long) spec.windowLeft() + batch.qoLen(i));
        }
        return tokens * spec.kvBytesPerToken();
    }

    @Override
    public void close() {
        try {
            resource.close();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("cannot free the inputs of " + name, e);
        }
    }
}
