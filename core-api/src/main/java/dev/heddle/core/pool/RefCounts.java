package dev.heddle.core.pool;

/** Counts the sequences that refer to each page, and keeps the pages that hold nothing. */
final class RefCounts {
    private final int[] references;
    private final int[] empty; // a stack, so that the warmest page goes out first
    private int emptyCount;

    RefCounts(int pages) {
        references = new int[pages];
        empty = new int[pages];
        emptyCount = pages;
        for (int i = 0; i < pages; i++) {
            empty[i] = pages - 1 - i;
        }
    }

    int pages() {
        return references.length;
    }

    int emptyPages() {
        return emptyCount;
    }

    int references(int page) {
        return references[page];
    }

    /** Returns an empty page with one reference. */
    int take() {
        int page = empty[--emptyCount];
        references[page] = 1;
        return page;
    }

    void share(int page) {
        references[page]++;
    }

    /** Drops a reference and returns whether it was the last. */
    boolean drop(int page) {
        return --references[page] == 0;
    }

    /** Puts a page without references back among the empty ones. */
    void putBack(int page) {
        empty[emptyCount++] = page;
    }
}
