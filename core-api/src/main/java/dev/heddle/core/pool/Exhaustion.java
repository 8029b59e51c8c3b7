package dev.heddle.core.pool;

import dev.heddle.core.Evolving;

/**
 * Whether an append that found too few pages can ever succeed.
 *
 * @since 0.1
 */
@Evolving
public enum Exhaustion {
    /** It fits once other sequences are freed or prefixes unpinned: wait or preempt. */
    LATER,
    /** The sequence would be larger than the whole pool: shorten it. */
    NEVER
}
