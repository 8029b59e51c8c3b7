package dev.heddle.core.pool;

import dev.heddle.core.Evolving;

/**
 * The pages of one token sequence: a handle that its pool made. All pages are full but the last. Every method but
 * {@link #id()} throws {@link IllegalStateException}, naming the sequence, once it is freed.
 *
 * @since 0.1
 */
@Evolving
public interface PageSequence {
    /** Returns a number that no other sequence of the pool has or will have. */
    long id();

    /** Returns the number of tokens, 0 or more. */
    int length();

    /** Returns a copy of the page ids, {@code ceil(length / pageSize)} of them, in order. */
    int[] pages();

    /**
     * Makes room for more tokens at the end. If the last page has room but is shared, with a fork or with the
     * prefix cache, it is replaced by a page of this sequence's own; the caller performs the returned copies before
     * it writes, and before it calls the pool again.
     *
     * @param tokens how many, 0 or more
     * @return where to write, or why not; in the latter case nothing has changed, the prefix cache included
     * @throws IllegalArgumentException if {@code tokens} is negative
     */
    AppendResult append(int tokens);

    /**
     * Drops the tokens from {@code newLength} on and gives back exactly the pages past it.
     *
     * @param newLength in {@code 0 .. length()}
     * @return the pages that this sequence no longer has, in order; shared ones live on elsewhere
     * @throws IllegalArgumentException if the new length is out of range
     */
    int[] truncate(int newLength);

    /** Returns a new sequence of the same tokens that shares all pages, the last one included. */
    PageSequence fork();

    /** Gives all pages back. A second call is an {@link IllegalStateException}. */
    void free();
}
