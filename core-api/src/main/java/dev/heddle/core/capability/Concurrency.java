package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * How many runs of one opened backend may be under way at once.
 *
 * @since 0.1
 */
@Stable
public enum Concurrency {
    /** One; the session makes callers of other threads wait. */
    SERIAL,
    /** Any number, each of a plan of its own. */
    CONCURRENT
}
