package dev.heddle.core.attention;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Learned values of one layer, one for each query head; null where the spec has no such feature.
 *
 * @param sinks {@code [num_qo_heads]} f32 logits that join the softmax's denominator, unscaled
 * @param alibiSlopes {@code [num_qo_heads]} f32 slopes of the distance
 * @since 0.1
 */
@Stable
public record HeadParameters(@Nullable Tensor sinks, @Nullable Tensor alibiSlopes) {
    /** No values: for specs without sinks and ALiBi. */
    public static final HeadParameters NONE = new HeadParameters(null, null);

    /** Returns sinks alone. */
    public static HeadParameters sinks(Tensor sinks) {
        return new HeadParameters(sinks, null);
    }

    /** Returns ALiBi slopes alone. */
    public static HeadParameters alibi(Tensor slopes) {
        return new HeadParameters(null, slopes);
    }
}
