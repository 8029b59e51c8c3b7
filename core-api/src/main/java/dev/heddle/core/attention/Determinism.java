package dev.heddle.core.attention;

import dev.heddle.core.Stable;

/**
 * What stays equal bit for bit; each level includes those before it.
 *
 * @since 0.1
 */
@Stable
public enum Determinism {
    /** Nothing is promised. */
    NONE,
    /** The same inputs give the same bits at every run. */
    RUN_TO_RUN,
    /** A request's rows have the same bits whatever else is in the batch. */
    BATCH_INVARIANT
}
