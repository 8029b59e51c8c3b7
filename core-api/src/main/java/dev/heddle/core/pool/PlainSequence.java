package dev.heddle.core.pool;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A sequence of a {@link PlainPagePool}, under the pool's lock. */
final class PlainSequence implements PageSequence {
    final PlainPagePool pool;
    private final long id;
    private int[] pages;
    private int pageCount;
    private int length;
    private boolean freed;

    /** Makes a sequence of pages whose references the pool has counted already. */
    PlainSequence(PlainPagePool pool, long id, int[] pages, int length) {
        this.pool = pool;
        this.id = id;
        this.pages = pages;
        this.pageCount = pages.length;
        this.length = length;
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public int length() {
        synchronized (pool) {
            requireAlive();
            return length;
        }
    }

    @Override
    public int[] pages() {
        synchronized (pool) {
            requireAlive();
            return Arrays.copyOf(pages, pageCount);
        }
    }

    /** Returns how many pages it has; the caller holds the pool's lock. */
    int pageCount() {
        requireAlive();
        return pageCount;
    }

    /** Copies its pages into a table; the caller holds the pool's lock. */
    void copyPages(int[] target, int at) {
        System.arraycopy(pages, 0, target, at, pageCount);
    }

    @Override
    public AppendResult append(int tokens) {
        synchronized (pool) {
            requireAlive();
            if (tokens < 0) {
                throw new IllegalArgumentException("cannot append " + tokens + " tokens to " + this
                        + ": 0 or more are needed");
            }
            long wanted = Math.ceilDiv((long) length + tokens, pool.pageSize());
            int slot = length % pool.pageSize();
            boolean copy = tokens > 0 && slot != 0 && pool.isShared(pages[pageCount - 1]);
            long needed = wanted - pageCount + (copy ? 1 : 0);
            if (wanted > pool.totalPages() || (long) length + tokens > Integer.MAX_VALUE) {
                return new AppendResult.Exhausted(Exhaustion.NEVER, needed, pool.freePages());
            }
            if (copy && needed > pool.freePages() && pool.canUnpublish(pages[pageCount - 1])
                    && needed - 1 <= pool.freePages()) {
                pool.unpublish(pages[pageCount - 1]); // only the cache shares it: writing in place is the way out
                copy = false;
                needed--;
            }
            if (needed > pool.freePages()) {
                return new AppendResult.Exhausted(Exhaustion.LATER, needed, pool.freePages());
            }
            List<PageCopy> copies = new ArrayList<>(1);
            int[] taken = pool.take((int) needed); // before the shared page is let go: it must not be evicted
            int next = 0;
            if (copy) {
                int old = pages[pageCount - 1];
                pages[pageCount - 1] = taken[next++];
                copies.add(new PageCopy(old, pages[pageCount - 1]));
                pool.release(old);
            }
            int first = length;
            grow((int) wanted);
            System.arraycopy(taken, next, pages, pageCount, taken.length - next);
            pageCount = (int) wanted;
            length += tokens;
            return new AppendResult.Appended(first, tokens, slot, copies);
        }
    }

    private void grow(int wanted) {
        if (wanted > pages.length) {
            pages = Arrays.copyOf(pages, Math.max(wanted, pages.length + (pages.length >> 1)));
        }
    }

    @Override
    public int[] truncate(int newLength) {
        synchronized (pool) {
            requireAlive();
            if (newLength < 0 || newLength > length) {
                throw new IllegalArgumentException(
                        "cannot truncate " + this + " to " + newLength + " tokens: 0.." + length
                                + " are allowed");
            }
            int keep = Math.ceilDiv(newLength, pool.pageSize());
            int[] gone = Arrays.copyOfRange(pages, keep, pageCount);
            for (int i = gone.length - 1; i >= 0; i--) {
                pool.release(gone[i]);
            }
            pageCount = keep;
            length = newLength;
            return gone;
        }
    }

    @Override
    public PageSequence fork() {
        synchronized (pool) {
            requireAlive();
            return pool.share(Arrays.copyOf(pages, pageCount), length);
        }
    }

    @Override
    public void free() {
        synchronized (pool) {
            truncate(0);
            pages = new int[0];
            freed = true;
        }
    }

    private void requireAlive() {
        if (freed) {
            throw new IllegalStateException(this + " is freed");
        }
    }

    @Override
    public String toString() {
        return "sequence " + id;
    }
}
