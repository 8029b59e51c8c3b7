package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PrefixMatch;
import java.util.Arrays;

/** Rule 6.05. */
final class Prefixes extends PoolRule {
    private static final int PAGES = 32;
    private static final String NAMESPACE = "tenant-a";

    Prefixes() {
        super("6.05",
                "Prefix matches are whole pages, at most len - 1 tokens, within one namespace, compared by content"
                        + " and not by a short hash alone");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        PagePool pool = pools.newPool(pageSize, PAGES);
        int[] tokens = new int[3 * pageSize + 1];
        Arrays.setAll(tokens, i -> 1000 + i * 7);
        PageSequence sequence = pool.allocate();
        append(sequence, tokens.length);
        // With a part of a page more than three, where pages have parts.
        int[] some = Arrays.copyOf(tokens, Math.min(tokens.length, 4 * pageSize - 1));
        int known = pool.prefixes().publish(NAMESPACE, sequence, some);
        requireEqual("tokens published: whole pages only", 3 * pageSize, known);
        requireEqual("cached pages", 3, pool.prefixes().cachedPages());
        lengths(pool, sequence, tokens);
        requireLength(pool, "tenant-b", tokens, 0, "another namespace");
        requireLength(pool, "", tokens, 0, "the empty namespace");
        content(pool, tokens);
        collisions(pools.newPool(pageSize, PAGES));
        PrefixMatch match = pool.prefixes().match(NAMESPACE, tokens);
        PageSequence resumed = pool.allocate(match);
        requirePages("a sequence that starts with a match", match.pages(), resumed.pages());
        requireEqual("its length", match.length(), resumed.length());
    }

    private static void requireLength(PagePool pool, String namespace, int[] tokens, int expected,
            String what) {
        requireEqual("length of the prefix match: " + what, expected,
                pool.prefixes().match(namespace, tokens).length());
    }

    private static void lengths(PagePool pool, PageSequence sequence, int[] tokens) {
        for (int length = 1; length <= tokens.length; length++) {
            int expected = (length - 1) / pool.pageSize() * pool.pageSize();
            int[] prompt = Arrays.copyOf(tokens, length);
            requireLength(pool, NAMESPACE, prompt, expected,
                    "a prompt of " + length + " known tokens with page size " + pool.pageSize());
            requirePages("pages of a match of " + length + " tokens",
                    Arrays.copyOf(sequence.pages(), expected / pool.pageSize()),
                    pool.prefixes().match(NAMESPACE, prompt).pages());
        }
        requireLength(pool, NAMESPACE, new int[0], 0, "an empty prompt");
    }

    private static void content(PagePool pool, int[] tokens) {
        for (int i = 0; i < 3 * pool.pageSize(); i++) {
            int[] other = tokens.clone();
            other[i]++;
            requireLength(pool, NAMESPACE, other, i / pool.pageSize() * pool.pageSize(),
                    "a prompt that differs in token " + i);
        }
        int[] shifted = Arrays.copyOfRange(tokens, pool.pageSize(), tokens.length);
        requireLength(pool, NAMESPACE, shifted, 0, "the second page's tokens at the first place");
    }

    // Pairs of prompts that common short hashes confuse: Arrays.hashCode, sums, exclusive ors.
    private static void collisions(PagePool pool) {
        int[][] pairs = {{0, 31}, {1, 0}, {1, 0}, {0, 1}, {5, 5}, {9, 9}, {3, 6}, {6, 3}};
        for (int i = 0; i < pairs.length; i += 2) {
            int[] published = repeated(pairs[i], pool.pageSize());
            int[] asked = repeated(pairs[i + 1], pool.pageSize());
            PageSequence sequence = pool.allocate();
            append(sequence, published.length);
            String namespace = "pair-" + i;
            pool.prefixes().publish(namespace, sequence, published);
            int same = Arrays.mismatch(published, asked) / pool.pageSize() * pool.pageSize();
            requireLength(pool, namespace, asked, same,
                    "tokens " + Arrays.toString(asked) + " where " + Arrays.toString(published)
                            + " are known");
            sequence.free();
        }
    }

    private static int[] repeated(int[] pair, int pageSize) {
        int[] tokens = new int[2 * pageSize + 1];
        Arrays.setAll(tokens, i -> pair[i % 2]);
        return tokens;
    }
}
