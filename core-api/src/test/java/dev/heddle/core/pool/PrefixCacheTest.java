package dev.heddle.core.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.heddle.core.pool.AppendResult.Appended;
import dev.heddle.core.pool.AppendResult.Exhausted;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefixCacheTest {
    private final PlainPagePool pool = new PlainPagePool(2, 6);
    private final PrefixCache prefixes = pool.prefixes();

    /** Returns a sequence of the given tokens, written and published. */
    private PageSequence published(String namespace, int... tokens) {
        PageSequence sequence = pool.allocate();
        assertInstanceOf(Appended.class, sequence.append(tokens.length));
        assertEquals(tokens.length / 2 * 2, prefixes.publish(namespace, sequence, tokens));
        return sequence;
    }

    @Test
    void matchesAreWholePagesAndLeaveOneToken() {
        PageSequence sequence = published("a", 1, 2, 3, 4, 5);
        assertEquals(2, prefixes.cachedPages());
        int[][] prompts = {{}, {1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}, {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 6, 7}};
        int[] lengths = {0, 0, 0, 2, 2, 4, 4};
        for (int i = 0; i < prompts.length; i++) {
            PrefixMatch match = prefixes.match("a", prompts[i]);
            assertEquals(lengths[i], match.length(), Arrays.toString(prompts[i]));
            assertArrayEquals(Arrays.copyOf(sequence.pages(), lengths[i] / 2), match.pages());
            assertEquals("a", match.namespace());
        }
        assertEquals(0, prefixes.match("a", new int[]{1, 9, 3, 4, 5}).length());
        assertEquals(2, prefixes.match("a", new int[]{1, 2, 3, 9, 5}).length());
    }

    @Test
    void namespacesDoNotSeeEachOther() {
        published("a", 1, 2);
        assertEquals(0, prefixes.match("b", new int[]{1, 2, 3}).length());
        assertEquals(2, prefixes.match("a", new int[]{1, 2, 3}).length());
    }

    @Test
    void equalHashesAreNotEqualTokens() {
        int[] one = {1, 31};
        int[] other = {2, 0};
        assertEquals(Arrays.hashCode(one), Arrays.hashCode(other), "the test needs a collision");
        published("a", one);
        assertEquals(0, prefixes.match("a", new int[]{2, 0, 7}).length());
        PageSequence second = published("a", other);
        assertArrayEquals(second.pages(), prefixes.match("a", new int[]{2, 0, 7}).pages());
        assertEquals(2, prefixes.match("a", new int[]{1, 31, 7}).length());
    }

    @Test
    void aSequenceFromAMatchSharesItsPages() {
        PageSequence first = published("a", 1, 2, 3, 4);
        PageSequence second = pool.allocate(prefixes.match("a", new int[]{1, 2, 3, 4, 5}));
        assertEquals(4, second.length());
        assertArrayEquals(first.pages(), second.pages());
        assertEquals(4, pool.freePages());
        first.free();
        assertEquals(4, pool.freePages());
        second.free();
        assertEquals(6, pool.freePages());
        assertEquals(2, prefixes.cachedPages(), "freed pages stay findable until they are needed");
    }

    @Test
    void aPublishedPageIsCopiedBeforeItIsWritten() {
        PageSequence sequence = published("a", 1, 2);
        int page = sequence.pages()[0];
        sequence.truncate(1);
        Appended write = assertInstanceOf(Appended.class, sequence.append(1));
        assertEquals(List.of(new PageCopy(page, sequence.pages()[0])), write.copies());
        assertArrayEquals(new int[]{page}, prefixes.match("a", new int[]{1, 2, 3}).pages());
    }

    @Test
    void withoutRoomForACopyThePageLeavesTheCache() {
        PageSequence sequence = published("a", IntStream.range(0, 12).toArray());
        sequence.truncate(11);
        PrefixMatch match = prefixes.match("a", IntStream.range(0, 13).toArray());
        prefixes.pin(match);
        assertEquals(new Exhausted(Exhaustion.LATER, 1, 0), sequence.append(1));
        prefixes.unpin(match);
        assertEquals(new Appended(11, 1, 1, List.of()), sequence.append(1));
        assertEquals(5, prefixes.cachedPages());
        assertEquals(10, prefixes.match("a", IntStream.range(0, 13).toArray()).length());
    }

    @Test
    void evictionTakesTheLeastRecentlyUsedThatNobodyHolds() {
        PageSequence a = published("a", 1, 1);
        PageSequence b = published("a", 2, 2);
        PageSequence c = published("a", 3, 3);
        PageSequence held = published("a", 4, 4);
        List.of(a, b, c).forEach(PageSequence::free);
        PrefixMatch pinned = prefixes.match("a", new int[]{2, 2, 0});
        prefixes.pin(pinned);
        prefixes.match("a", new int[]{1, 1, 0});
        assertEquals(4, pool.freePages());
        PageSequence taker = pool.allocate();
        assertInstanceOf(Appended.class, taker.append(6));
        assertEquals(0, prefixes.match("a", new int[]{3, 3, 0}).length(), "the oldest went");
        assertEquals(2, prefixes.match("a", new int[]{1, 1, 0}).length(), "the one just used stayed");
        assertInstanceOf(Appended.class, taker.append(2));
        assertEquals(0, prefixes.match("a", new int[]{1, 1, 0}).length());
        assertEquals(new Exhausted(Exhaustion.LATER, 1, 0), taker.append(1));
        assertEquals(2, prefixes.match("a", new int[]{2, 2, 0}).length(), "pinned");
        assertEquals(2, prefixes.match("a", new int[]{4, 4, 0}).length(), "referenced");
        prefixes.unpin(pinned);
        assertInstanceOf(Appended.class, taker.append(1));
        assertEquals(0, prefixes.match("a", new int[]{2, 2, 0}).length());
        assertEquals(1, held.pages().length);
    }

    @Test
    void leavesGoBeforeWhatTheyHangOn() {
        published("a", 1, 2, 3, 4, 5, 6).free();
        assertInstanceOf(Appended.class, pool.allocate().append(8));
        assertEquals(4, prefixes.match("a", new int[]{1, 2, 3, 4, 5, 6, 7}).length());
    }

    @Test
    void evictingAParentForgetsReferencedChildrenButKeepsTheirPages() {
        PageSequence first = published("a", 1, 2);
        PageSequence second = published("a", 1, 2, 3, 4); // its first page is known as the other sequence's
        assertNotEquals(first.pages()[0], second.pages()[0]);
        first.free();
        int[] pages = second.pages();
        PageSequence taker = pool.allocate();
        assertInstanceOf(Appended.class, taker.append(8));
        assertEquals(0, prefixes.cachedPages());
        assertArrayEquals(pages, second.pages());
        second.free();
        taker.free();
        assertEquals(6, pool.freePages());
    }

    @Test
    void aStaleMatchIsRefused() {
        published("a", 1, 2).free();
        PrefixMatch match = prefixes.match("a", new int[]{1, 2, 3});
        assertInstanceOf(Appended.class, pool.allocate().append(12));
        String message = "prefix match of 2 tokens in namespace 'a' is stale: pages of it were evicted;"
                + " match again, or pin what must last";
        for (Runnable use : List.<Runnable>of(() -> pool.allocate(match), () -> prefixes.pin(match),
                () -> prefixes.unpin(match))) {
            assertEquals(message, assertThrows(IllegalStateException.class, use::run).getMessage());
        }
    }

    @Test
    void pinsCount() {
        published("a", 1, 2).free();
        PrefixMatch match = prefixes.match("a", new int[]{1, 2, 3});
        prefixes.pin(match);
        prefixes.pin(match);
        prefixes.unpin(match);
        assertEquals(5, pool.freePages());
        prefixes.unpin(match);
        assertEquals(6, pool.freePages());
        assertEquals("prefix match of 2 tokens in namespace 'a' is not pinned",
                assertThrows(IllegalStateException.class, () -> prefixes.unpin(match)).getMessage());
    }

    @Test
    void publishingChecksTheLengthAndStopsAtAPageKnownElsewhere() {
        PageSequence sequence = published("a", 1, 2, 3, 4);
        assertEquals("cannot publish 5 tokens of sequence 0: it has 4", assertThrows(
                IllegalArgumentException.class,
                () -> prefixes.publish("a", sequence, new int[5])).getMessage());
        assertEquals(0, prefixes.publish("b", sequence, new int[]{1, 2, 3, 4}));
        assertEquals(4, prefixes.publish("a", sequence, new int[]{1, 2, 3, 4}));
        assertEquals(2, prefixes.cachedPages());
        assertEquals(0, prefixes.match("b", new int[]{1, 2, 3, 4, 5}).length());
    }
}
