package dev.heddle.core.pool;

import dev.heddle.core.Evolving;

/**
 * The longest published prefix of some tokens. It holds no page: what is not pinned or referenced may be evicted
 * by the next append of any sequence.
 *
 * @since 0.1
 */
@Evolving
public interface PrefixMatch {
    /** Returns the namespace that was searched. */
    String namespace();

    /** Returns the number of tokens found, a multiple of the page size; 0 where nothing was. */
    int length();

    /** Returns a copy of the ids of the matching pages, in order. */
    int[] pages();
}
