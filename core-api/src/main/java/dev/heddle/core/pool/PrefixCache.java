package dev.heddle.core.pool;

import dev.heddle.core.Evolving;

/**
 * Finds pages whose K and V were computed before for the same tokens. Only whole pages are kept, in namespaces
 * that never see each other (one for each adapter, tenant, or whatever else K and V depend on), and tokens are
 * compared themselves, not by a hash alone. Pages that no sequence refers to and no pin holds are evicted, least
 * recently matched or published first, when an append needs them.
 *
 * @since 0.1
 */
@Evolving
public interface PrefixCache {
    /**
     * Makes the whole pages of a sequence's start findable. Where the same tokens are known already, the known
     * page stays. A page is published under one prefix only: publishing stops at a page that is already known
     * under another.
     *
     * @param namespace who may find it
     * @param sequence whose K and V are written for these tokens
     * @param tokens token ids of the sequence's start, at most as many as its length
     * @return how many leading tokens are findable now, a multiple of the page size
     * @throws IllegalArgumentException if there are more tokens than the sequence has, or it is of another pool
     * @throws IllegalStateException if the sequence is freed
     */
    int publish(String namespace, PageSequence sequence, int[] tokens);

    /**
     * Finds the longest published prefix: whole pages, at most {@code tokens.length - 1} tokens, so that at least
     * one token is left to compute logits from.
     *
     * @param namespace where to look
     * @param tokens token ids of a whole prompt
     */
    PrefixMatch match(String namespace, int[] tokens);

    /**
     * Keeps the pages of a match from eviction until {@link #unpin} is called as often.
     *
     * @throws IllegalStateException if pages of the match were evicted since
     * @throws IllegalArgumentException if the match is of another pool
     */
    void pin(PrefixMatch match);

    /**
     * Takes a pin back.
     *
     * @throws IllegalStateException if the match is not pinned
     * @throws IllegalArgumentException if the match is of another pool
     */
    void unpin(PrefixMatch match);

    /** Returns the number of pages that can be found, referenced or not. */
    int cachedPages();
}
