package dev.heddle.core.attention;

import dev.heddle.core.Stable;

/**
 * What a spec or a plan may ask for beyond plain attention.
 *
 * @since 0.1
 */
@Stable
public enum Feature {
    /** {@code logits_soft_cap * tanh(logits / logits_soft_cap)}. */
    SOFT_CAP,
    /** One learned logit per query head that joins the softmax's denominator. */
    SINKS,
    /** A bias linear in the distance, one slope per query head. */
    ALIBI,
    /** The log-sum-exp of each row and head as a second output. */
    LSE,
    /** f32 output with LSE whose parts, over disjoint keys, merge to the whole. */
    PARTIAL,
    /** The number of splits of the KV sequence can be forced. */
    FORCED_SPLITS
}
