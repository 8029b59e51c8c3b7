package dev.heddle.core.pool;

import dev.heddle.core.Evolving;
import dev.heddle.core.page.PageTable;
import java.util.List;

/**
 * The physical pages of one model's KV cache: page {@code p} is page {@code p} of every layer.
 *
 * @since 0.1
 */
@Evolving
public interface PagePool {
    /** Returns the tokens that a page holds, 1 or more. */
    int pageSize();

    /** Returns the number of pages; ids are {@code 0 .. totalPages() - 1}. */
    int totalPages();

    /**
     * Returns how many pages appends can take now: those that hold nothing and those that only the prefix cache
     * keeps, which are evicted when needed. Always {@code totalPages()} less the distinct pages that a sequence
     * refers to or a pin holds.
     */
    int freePages();

    /** Returns a new sequence of length 0, without pages. */
    PageSequence allocate();

    /**
     * Returns a new sequence that starts with the pages of a prefix match, shared and not copied.
     *
     * @throws IllegalStateException if pages of the match were evicted since; match again, or pin what must last
     * @throws IllegalArgumentException if the match is of another pool
     */
    PageSequence allocate(PrefixMatch match);

    /** Returns the prefixes that were published to this pool. */
    PrefixCache prefixes();

    /**
     * Returns the page table of a batch with one request per sequence, in order; a sequence may stand there twice.
     *
     * @throws IllegalStateException if a sequence is freed
     * @throws IllegalArgumentException if a sequence is of another pool
     */
    PageTable toPageTable(List<? extends PageSequence> sequences);
}
