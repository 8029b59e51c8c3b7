package dev.heddle.core.pool;

import java.util.List;

/** The prefix cache of a {@link PlainPagePool}, under the pool's lock. */
final class PlainPrefixes implements PrefixCache {
    private final PlainPagePool pool;
    private final PrefixIndex index;

    PlainPrefixes(PlainPagePool pool, PrefixIndex index) {
        this.pool = pool;
        this.index = index;
    }

    @Override
    public int publish(String namespace, PageSequence sequence, int[] tokens) {
        synchronized (pool) {
            PlainSequence own = pool.own(sequence);
            if (tokens.length > own.length()) {
                throw new IllegalArgumentException("cannot publish " + tokens.length + " tokens of " + own
                        + ": it has " + own.length());
            }
            return index.insert(namespace, tokens, own.pages()) * pool.pageSize();
        }
    }

    @Override
    public PrefixMatch match(String namespace, int[] tokens) {
        synchronized (pool) {
            int maxPages = Math.max(0, tokens.length - 1) / pool.pageSize();
            List<PrefixNode> path = List.copyOf(index.find(namespace, tokens, maxPages));
            return new PlainMatch(pool, namespace, path.size() * pool.pageSize(), path);
        }
    }

    @Override
    public void pin(PrefixMatch match) {
        synchronized (pool) {
            for (PrefixNode node : live(match)) {
                node.pins++;
                index.changed(node.page);
            }
        }
    }

    @Override
    public void unpin(PrefixMatch match) {
        synchronized (pool) {
            List<PrefixNode> path = live(match);
            if (path.stream().anyMatch(node -> node.pins == 0)) {
                throw new IllegalStateException(match + " is not pinned");
            }
            for (PrefixNode node : path) {
                node.pins--;
                index.changed(node.page);
            }
        }
    }

    @Override
    public int cachedPages() {
        synchronized (pool) {
            return index.size();
        }
    }

    /** Returns the nodes of a match of this pool that is still whole. */
    List<PrefixNode> live(PrefixMatch match) {
        if (!(match instanceof PlainMatch own) || own.pool() != pool) {
            throw new IllegalArgumentException(match + " is of another pool");
        }
        if (own.path().stream().anyMatch(node -> !node.live)) {
            throw new IllegalStateException(match + " is stale: pages of it were evicted;"
                    + " match again, or pin what must last");
        }
        return own.path();
    }
}
