package dev.heddle.core.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.pool.AppendResult.Appended;
import dev.heddle.core.pool.AppendResult.Exhausted;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random operations against a model that knows each sequence's tokens and nothing about pages. A simulated cache
 * holds a token id per slot, so a page given twice, a copy left out, or an eviction of live pages shows as a wrong
 * token.
 */
class PoolModelTest {
    private static final int OPERATIONS = 100_000;

    private record Live(PageSequence sequence, List<Integer> tokens, String namespace) {}

    private final Map<Integer, int[]> memory = new HashMap<>();
    private final List<Live> live = new ArrayList<>();
    private final List<PrefixMatch> pinned = new ArrayList<>();
    private int appended;
    private int later;
    private int never;
    private int copied;
    private int matched;

    @ParameterizedTest
    @CsvSource({"1, 4, 24", "2, 1, 17", "3, 3, 20", "4, 4, 12"})
    void noPageIsLostAndNoneGivenTwice(long seed, int pageSize, int pages) {
        Random random = new Random(seed);
        PlainPagePool pool = new PlainPagePool(pageSize, pages);
        for (int i = 0; i < OPERATIONS; i++) {
            step(random, pool);
            checkCounts(pool);
            if (i % 97 == 0) {
                live.forEach(this::checkTokens);
            }
        }
        for (PrefixMatch match : pinned) {
            pool.prefixes().unpin(match);
        }
        live.forEach(l -> l.sequence().free());
        assertEquals(pages, pool.freePages());
        assertTrue(pool.allocate().append(pages * pageSize) instanceof Appended, "every page can be had");
        assertEquals(0, pool.prefixes().cachedPages());
        // Pages of one token are never partly full, so nothing is ever copied there.
        int least = Math.min(Math.min(appended, later), Math.min(never, pageSize == 1 ? never : copied));
        assertTrue(Math.min(least, matched) >= 50, () -> "the mix must reach everything: appended " + appended
                + ", later " + later + ", never " + never + ", copied " + copied + ", matched " + matched);
    }

    private void step(Random random, PlainPagePool pool) {
        Live any = live.isEmpty() ? null : live.get(random.nextInt(live.size()));
        int kind = live.size() >= 6 ? 76 : random.nextInt(100); // a full house frees, or nothing would fit
        if (any == null || kind < 8) {
            start(random, pool);
        } else if (kind < 55) {
            append(random, pool, any);
        } else if (kind < 68) {
            int length = random.nextInt(any.tokens().size() + 1);
            int[] before = any.sequence().pages();
            int[] gone = any.sequence().truncate(length);
            int keep = Math.ceilDiv(length, pool.pageSize());
            assertArrayEquals(Arrays.copyOfRange(before, keep, before.length), gone);
            any.tokens().subList(length, any.tokens().size()).clear();
        } else if (kind < 76) {
            live.add(new Live(any.sequence().fork(), new ArrayList<>(any.tokens()), any.namespace()));
        } else if (kind < 86) {
            checkTokens(any);
            any.sequence().free();
            live.remove(any);
        } else if (kind < 96) {
            int known = pool.prefixes().publish(any.namespace(), any.sequence(), ids(any.tokens()));
            assertTrue(known <= any.tokens().size() && known % pool.pageSize() == 0);
        } else {
            pin(random, pool, any);
        }
    }

    /** Starts a sequence from a prompt of few distinct tokens, so that prefixes are often known. */
    private void start(Random random, PlainPagePool pool) {
        String namespace = random.nextBoolean() ? "a" : "b";
        int[] prompt = random.ints(random.nextInt(3 * pool.pageSize() + 2), 0, 2).toArray();
        PrefixMatch match = pool.prefixes().match(namespace, prompt);
        assertTrue(match.length() <= Math.max(0, prompt.length - 1) && match.length() % pool.pageSize() == 0);
        if (match.length() > 0) {
            matched++;
        }
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < match.length(); i++) {
            tokens.add(prompt[i]);
        }
        Live started = new Live(pool.allocate(match), tokens, namespace);
        checkTokens(started);
        live.add(started);
    }

    private void append(Random random, PlainPagePool pool, Live to) {
        int huge = random.nextInt(30) == 0 ? pool.totalPages() * pool.pageSize() : 0;
        int count = random.nextInt(3) == 0 ? 1 : huge + random.nextInt(2 * pool.pageSize() + 1);
        int[] before = to.sequence().pages();
        int free = pool.freePages();
        int cached = pool.prefixes().cachedPages();
        switch (to.sequence().append(count)) {
            case Appended(int first, int tokens, int slot, List<PageCopy> copies) -> {
                appended++;
                copied += copies.size();
                assertEquals(to.tokens().size(), first);
                assertEquals(first % pool.pageSize(), slot);
                assertEquals(count, tokens);
                for (PageCopy copy : copies) {
                    memory.put(copy.to(), memory.get(copy.from()).clone());
                }
                int[] pages = to.sequence().pages();
                for (int i = first; i < first + count; i++) {
                    int token = random.nextInt(2);
                    to.tokens().add(token);
                    memory.computeIfAbsent(pages[i / pool.pageSize()],
                            p -> new int[pool.pageSize()])[i % pool.pageSize()] = token;
                }
            }
            case Exhausted(Exhaustion when, long needed, int freeThen) -> {
                boolean fits = to.tokens().size() + count <= pool.totalPages() * pool.pageSize();
                assertEquals(fits ? Exhaustion.LATER : Exhaustion.NEVER, when);
                assertTrue(needed > free, needed + " pages needed, " + free + " free");
                assertEquals(free, freeThen);
                assertArrayEquals(before, to.sequence().pages());
                assertEquals(free, pool.freePages());
                assertEquals(cached, pool.prefixes().cachedPages());
                later += fits ? 1 : 0;
                never += fits ? 0 : 1;
            }
        }
    }

    private void pin(Random random, PlainPagePool pool, Live any) {
        if (!pinned.isEmpty() && random.nextInt(5) < 3) {
            pool.prefixes().unpin(pinned.remove(random.nextInt(pinned.size())));
        } else if (pinned.size() < 3) {
            PrefixMatch match = pool.prefixes().match(any.namespace(), ids(any.tokens()));
            pool.prefixes().pin(match);
            pinned.add(match);
        }
    }

    private void checkCounts(PlainPagePool pool) {
        Set<Integer> held = new HashSet<>();
        for (Live l : live) {
            int[] pages = l.sequence().pages();
            assertEquals(Math.ceilDiv(l.tokens().size(), pool.pageSize()), pages.length);
            assertEquals(pages.length, Arrays.stream(pages).distinct().count());
            Arrays.stream(pages).forEach(held::add);
        }
        pinned.forEach(m -> Arrays.stream(m.pages()).forEach(held::add));
        assertEquals(pool.totalPages() - held.size(), pool.freePages());
    }

    private void checkTokens(Live l) {
        int[] pages = l.sequence().pages();
        assertEquals(l.tokens().size(), l.sequence().length());
        for (int i = 0; i < l.tokens().size(); i++) {
            int pageSize = memory.get(pages[0]).length;
            int token = memory.get(pages[i / pageSize])[i % pageSize];
            assertEquals(l.tokens().get(i), token, () -> l.sequence() + " has a wrong token");
        }
    }

    private static int[] ids(List<Integer> tokens) {
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }
}
