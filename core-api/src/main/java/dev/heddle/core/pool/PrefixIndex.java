package dev.heddle.core.pool;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The trees of published pages, one for each namespace, and which of them may be evicted. A page is in at most
 * one node. Not thread-safe: the pool's lock guards it.
 */
final class PrefixIndex {
    private final int pageSize;
    private final RefCounts counts;
    private final Map<String, PrefixNode> roots = new HashMap<>();
    private final @Nullable PrefixNode[] nodes; // by page
    private final TreeSet<PrefixNode> evictable = new TreeSet<>(PrefixNode.EVICTION_ORDER);
    private int size;
    private long clock;

    PrefixIndex(int pageSize, RefCounts counts) {
        this.pageSize = pageSize;
        this.counts = counts;
        this.nodes = new PrefixNode[counts.pages()];
    }

    int size() {
        return size;
    }

    int evictablePages() {
        return evictable.size();
    }

    @Nullable
    PrefixNode node(int page) {
        return nodes[page];
    }

    /** Returns the nodes of the longest known path of at most {@code maxPages} pages, and marks it as used. */
    List<PrefixNode> find(String namespace, int[] tokens, int maxPages) {
        List<PrefixNode> path = new ArrayList<>();
        PrefixNode node = roots.get(namespace);
        while (node != null && path.size() < maxPages) {
            node = node.children.get(tokensOf(tokens, path.size()));
            if (node != null) {
                path.add(node);
            }
        }
        clock++;
        path.forEach(this::touch);
        return path;
    }

    /** Adds what is not known of a sequence's whole pages and returns the number of pages that are known now. */
    int insert(String namespace, int[] tokens, int[] pages) {
        int whole = tokens.length / pageSize;
        List<PrefixNode> path = find(namespace, tokens, whole);
        int known = path.size();
        PrefixNode parent =
                known == 0 ? roots.computeIfAbsent(namespace, n -> PrefixNode.root()) : path.getLast();
        while (known < whole && nodes[pages[known]] == null) {
            PrefixNode node = new PrefixNode(parent, tokensOf(tokens, known), pages[known]);
            node.lastUse = clock;
            parent.children.put(node.tokens, node);
            nodes[node.page] = node;
            size++;
            parent = node;
            known++;
        }
        if (parent.parent == null && parent.children.isEmpty()) {
            roots.remove(namespace);
        }
        return known;
    }

    /** Brings the set of evictable pages up to date after a page's references or pins changed. */
    void changed(int page) {
        PrefixNode node = nodes[page];
        if (node != null) {
            if (node.pins == 0 && counts.references(page) == 0) {
                evictable.add(node);
            } else {
                evictable.remove(node);
            }
        }
    }

    /** Forgets the least recently used page that nobody references or pins, and puts it among the empty ones. */
    void evictOne() {
        forget(evictable.first());
    }

    /**
     * Takes a page and everything below it out of the index. Pages that no sequence refers to become empty. No
     * node below can be pinned if this one is not, as pins hold whole paths.
     */
    void forget(PrefixNode top) {
        PrefixNode parent = top.parent;
        if (parent != null) {
            parent.children.remove(top.tokens);
            if (parent.parent == null && parent.children.isEmpty()) {
                roots.values().remove(parent);
            }
        }
        Deque<PrefixNode> todo = new ArrayDeque<>(List.of(top));
        while (!todo.isEmpty()) {
            PrefixNode node = todo.pop();
            todo.addAll(node.children.values());
            evictable.remove(node);
            node.live = false;
            nodes[node.page] = null;
            size--;
            if (counts.references(node.page) == 0) {
                counts.putBack(node.page);
            }
        }
    }

    private void touch(PrefixNode node) {
        boolean listed = evictable.remove(node); // its place in the order is about to change
        node.lastUse = clock;
        if (listed) {
            evictable.add(node);
        }
    }

    private PrefixNode.Tokens tokensOf(int[] tokens, int page) {
        return new PrefixNode.Tokens(Arrays.copyOfRange(tokens, page * pageSize, (page + 1) * pageSize));
    }
}
