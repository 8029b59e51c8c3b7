package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import dev.heddle.core.pool.PagePool;

/**
 * Makes the page pools that chapter 6 examines. A subject whose provider implements this too is examined with its own
 * pool, any other with that of core-api.
 *
 * @since 0.1
 */
@Evolving
@FunctionalInterface
public interface PagePoolFactory {
    /**
     * Returns a new pool, all of whose pages are free.
     *
     * @param pageSize tokens that a page holds, 1 or more
     * @param totalPages number of pages, 1 or more
     */
    PagePool newPool(int pageSize, int totalPages);
}
