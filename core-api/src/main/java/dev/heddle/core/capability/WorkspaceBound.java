package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;

/**
 * An upper bound on the workspace of a plan, as data: {@code fixedBytes + bytesPerRequest * batch +
 * bytesPerElement * rows * num_qo_heads * (head_dim_vo + 2)}.
 *
 * @param fixedBytes whatever the batch
 * @param bytesPerRequest for each request
 * @param bytesPerElement for each element of a partial result: rows × query heads × (head_dim_vo + 2)
 * @since 0.1
 */
@Stable
public record WorkspaceBound(long fixedBytes, long bytesPerRequest, long bytesPerElement) {
    /** No workspace at all. */
    public static final WorkspaceBound NONE = new WorkspaceBound(0, 0, 0);

    /**
     * Checks the terms.
     *
     * @throws IllegalArgumentException if one is negative
     */
    public WorkspaceBound {
        if (fixedBytes < 0 || bytesPerRequest < 0 || bytesPerElement < 0) {
            throw new IllegalArgumentException("workspace terms must be 0 or more, got " + fixedBytes + ", "
                    + bytesPerRequest + ", " + bytesPerElement);
        }
    }

    /** Returns the bound for a batch, in bytes. */
    public long bytes(AttentionSpec spec, BatchShape batch) {
        long elements = (long) batch.totalQoLen() * spec.numQoHeads() * (spec.headDimVo() + 2L);
        return fixedBytes + bytesPerRequest * batch.batchSize() + bytesPerElement * elements;
    }
}
