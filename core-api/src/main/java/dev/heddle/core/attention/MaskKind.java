package dev.heddle.core.attention;

import dev.heddle.core.Stable;

/**
 * Which keys a query row may see. A spec may combine causal, window and custom: a key must pass all of them.
 *
 * @since 0.1
 */
@Stable
public enum MaskKind {
    /** Every key. */
    NONE,
    /** Keys up to the row's position; bottom-right aligned. */
    CAUSAL,
    /** Keys from position − {@code window_left} on. */
    WINDOW,
    /** Keys that a {@link CustomMask} allows. */
    CUSTOM
}
