package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * What the first plan of a new kind costs.
 *
 * @since 0.1
 */
@Stable
public enum ColdStart {
    /** Nothing: the code is there. */
    AHEAD_OF_TIME,
    /** Compiled once, kept on disk for later processes. */
    CACHED,
    /** Compiled again in every process. */
    COMPILED_ON_FIRST_USE
}
