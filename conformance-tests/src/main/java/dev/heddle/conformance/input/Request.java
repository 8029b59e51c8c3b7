package dev.heddle.conformance.input;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.Tensor;

/**
 * One run's inputs, in host memory.
 *
 * @param spec what is asked for
 * @param batch the lengths and pages
 * @param q {@code [total_qo_len, num_qo_heads, head_dim_qk]}
 * @param kv the cache
 * @param heads sinks and slopes where the spec has them
 * @since 0.1
 */
@Evolving
public record Request(AttentionSpec spec, BatchShape batch, Tensor q, KvCacheView kv, HeadParameters heads) {
    /** Returns these inputs with another batch, of the same rows and cache. */
    public Request withBatch(BatchShape other) {
        return new Request(spec, other, q, kv, heads);
    }

    /** Returns these inputs with another spec, of the same sizes and types. */
    public Request withSpec(AttentionSpec other) {
        return new Request(other, batch, q, kv, heads);
    }

    /** Returns these inputs with another cache, of the same sizes and types. */
    public Request withKv(KvCacheView other) {
        return new Request(spec, batch, q, other, heads);
    }

    /** Returns elements of out for each row and head. */
    public int dim() {
        return spec.headDimVo();
    }
}
