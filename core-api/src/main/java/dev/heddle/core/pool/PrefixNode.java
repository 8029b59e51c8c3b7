package dev.heddle.core.pool;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One published page: the edge from its parent is the page's tokens. */
final class PrefixNode {
    /** Oldest use first; of one path the deepest page first, so that leaves go before what they hang on. */
    static final Comparator<PrefixNode> EVICTION_ORDER =
            Comparator.<PrefixNode>comparingLong(n -> n.lastUse)
                    .thenComparing(n -> n.depth, Comparator.reverseOrder())
                    .thenComparingInt(n -> n.page);

    static final int NO_PAGE = -1;

    /** The tokens of a page. Compared whole; the order keeps colliding hashes cheap in a hash map. */
    record Tokens(int[] ids) implements Comparable<Tokens> {
        @Override
        public boolean equals(Object other) {
            return other instanceof Tokens that && Arrays.equals(ids, that.ids);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(ids);
        }

        @Override
        public int compareTo(Tokens other) {
            return Arrays.compare(ids, other.ids);
        }
    }

    final @Nullable PrefixNode parent; // null: the root of a namespace, which has no page
    final Tokens tokens;
    final int page;
    final int depth;
    final Map<Tokens, PrefixNode> children = new HashMap<>();
    long lastUse;
    int pins;
    boolean live = true;

    PrefixNode(@Nullable PrefixNode parent, Tokens tokens, int page) {
        this.parent = parent;
        this.tokens = tokens;
        this.page = page;
        this.depth = parent == null ? 0 : parent.depth + 1;
    }

    static PrefixNode root() {
        return new PrefixNode(null, new Tokens(new int[0]), NO_PAGE);
    }
}
