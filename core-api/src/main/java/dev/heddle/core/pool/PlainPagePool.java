package dev.heddle.core.pool;

import dev.heddle.core.Evolving;
import dev.heddle.core.page.PageTable;
import java.util.List;

/**
 * A page pool in plain Java. Every operation of the pool, its sequences and its prefix cache holds the pool's
 * monitor, so all of them may be called from any thread; an append takes time in the pages that it takes, and a
 * logarithmic share for each that it evicts. The same calls in the same order give the same pages.
 *
 * @since 0.1
 */
@Evolving
public final class PlainPagePool implements PagePool {
    private final int pageSize;
    private final RefCounts counts;
    private final PrefixIndex index;
    private final PlainPrefixes prefixes;
    private long nextId;

    /**
     * Makes a pool.
     *
     * @param pageSize tokens that a page holds, 1 or more
     * @param totalPages pages that the KV cache has, 0 or more
     * @throws IllegalArgumentException if either is out of range
     */
    public PlainPagePool(int pageSize, int totalPages) {
        if (pageSize < 1) {
            throw new IllegalArgumentException("page_size must be 1 or more, got " + pageSize);
        }
        if (totalPages < 0) {
            throw new IllegalArgumentException("totalPages must be 0 or more, got " + totalPages);
        }
        this.pageSize = pageSize;
        this.counts = new RefCounts(totalPages);
        this.index = new PrefixIndex(pageSize, counts);
        this.prefixes = new PlainPrefixes(this, index);
    }

    @Override
    public int pageSize() {
        return pageSize;
    }

    @Override
    public int totalPages() {
        return counts.pages();
    }

    @Override
    public synchronized int freePages() {
        return counts.emptyPages() + index.evictablePages();
    }

    @Override
    public synchronized PageSequence allocate() {
        return new PlainSequence(this, nextId++, new int[0], 0);
    }

    @Override
    public synchronized PageSequence allocate(PrefixMatch match) {
        int[] pages = prefixes.live(match).stream().mapToInt(node -> node.page).toArray();
        return share(pages, match.length());
    }

    @Override
    public PrefixCache prefixes() {
        return prefixes;
    }

    @Override
    public synchronized PageTable toPageTable(List<? extends PageSequence> sequences) {
        int batch = sequences.size();
        int[] indptr = new int[batch + 1];
        int[] last = new int[batch];
        for (int i = 0; i < batch; i++) {
            PlainSequence sequence = own(sequences.get(i));
            int pages = sequence.pageCount();
            indptr[i + 1] = Math.addExact(indptr[i], pages);
            last[i] = sequence.length() - Math.max(0, pages - 1) * pageSize;
        }
        int[] indices = new int[indptr[batch]];
        for (int i = 0; i < batch; i++) {
            own(sequences.get(i)).copyPages(indices, indptr[i]);
        }
        return PageTable.of(pageSize, totalPages(), indptr, indices, last);
    }

    @Override
    public synchronized String toString() {
        return "PlainPagePool[pageSize=" + pageSize + ", totalPages=" + totalPages() + ", freePages="
                + freePages() + "]";
    }

    // What sequences and the prefix cache call, with the monitor held.

    PlainSequence own(PageSequence sequence) {
        if (sequence instanceof PlainSequence own && own.pool == this) {
            return own;
        }
        throw new IllegalArgumentException(sequence + " is of another pool");
    }

    /** Returns a new sequence that refers to pages which somebody else has too. */
    PageSequence share(int[] pages, int length) {
        for (int page : pages) {
            counts.share(page);
            index.changed(page);
        }
        return new PlainSequence(this, nextId++, pages, length);
    }

    /** Returns whether writing to a page would be seen by anybody but the one sequence that asks. */
    boolean isShared(int page) {
        return counts.references(page) > 1 || index.node(page) != null;
    }

    /** Returns whether only the prefix cache shares a page, and no pin insists. */
    boolean canUnpublish(int page) {
        PrefixNode node = index.node(page);
        return counts.references(page) == 1 && node != null && node.pins == 0;
    }

    void unpublish(int page) {
        PrefixNode node = index.node(page);
        if (node != null) {
            index.forget(node);
        }
    }

    /** Takes pages that {@link #freePages()} promised, evicting what must be. */
    int[] take(int pages) {
        while (counts.emptyPages() < pages) {
            index.evictOne();
        }
        int[] taken = new int[pages];
        for (int i = 0; i < pages; i++) {
            taken[i] = counts.take();
        }
        return taken;
    }

    /** Drops one sequence's reference; an unshared page becomes empty, or evictable if it is published. */
    void release(int page) {
        if (counts.drop(page)) {
            if (index.node(page) == null) {
                counts.putBack(page);
            } else {
                index.changed(page);
            }
        }
    }
}
