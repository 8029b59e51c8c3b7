package dev.heddle.core.pool;

import java.util.List;

/** A match of a {@link PlainPagePool}: the path of nodes that was found. */
record PlainMatch(PlainPagePool pool, String namespace, int length, List<PrefixNode> path)
        implements
        PrefixMatch {
    @Override
    public int[] pages() {
        return path.stream().mapToInt(node -> node.page).toArray();
    }

    @Override
    public String toString() {
        return "prefix match of " + length + " tokens in namespace '" + namespace + "'";
    }
}
