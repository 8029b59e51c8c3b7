package dev.heddle.core.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.page.PageTable;
import dev.heddle.core.pool.AppendResult.Appended;
import dev.heddle.core.pool.AppendResult.Exhausted;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PlainPagePoolTest {
    private final PlainPagePool pool = new PlainPagePool(4, 10);

    private static Appended appended(PageSequence sequence, int tokens) {
        return assertInstanceOf(Appended.class, sequence.append(tokens));
    }

    private PageSequence sequence(int tokens) {
        PageSequence sequence = pool.allocate();
        appended(sequence, tokens);
        return sequence;
    }

    @Test
    void sizesAreChecked() {
        assertEquals("page_size must be 1 or more, got 0",
                assertThrows(IllegalArgumentException.class, () -> new PlainPagePool(0, 1)).getMessage());
        assertEquals("totalPages must be 0 or more, got -1",
                assertThrows(IllegalArgumentException.class, () -> new PlainPagePool(1, -1)).getMessage());
        assertEquals("PlainPagePool[pageSize=4, totalPages=10, freePages=10]", pool.toString());
    }

    @Test
    void appendsCrossPagesOneByOneAndManyAtOnce() {
        PageSequence one = pool.allocate();
        for (int i = 0; i < 9; i++) {
            assertEquals(new Appended(i, 1, i % 4, List.of()), one.append(1));
            assertEquals(i / 4 + 1, one.pages().length);
        }
        PageSequence many = pool.allocate();
        assertEquals(new Appended(0, 3, 0, List.of()), many.append(3));
        assertEquals(new Appended(3, 10, 3, List.of()), many.append(10));
        assertEquals(new Appended(13, 0, 1, List.of()), many.append(0));
        assertEquals(4, many.pages().length);
        Set<Integer> pages = new HashSet<>();
        for (PageSequence sequence : List.of(one, many)) {
            for (int page : sequence.pages()) {
                assertTrue(pages.add(page), "page given twice");
                assertTrue(page >= 0 && page < 10);
            }
        }
        assertEquals(3, pool.freePages());
        assertNotEquals(one.id(), many.id());
        assertEquals("cannot append -1 tokens to sequence 0: 0 or more are needed",
                assertThrows(IllegalArgumentException.class, () -> one.append(-1)).getMessage());
    }

    @Test
    void forkSharesAndTheFirstWriteCopies() {
        PageSequence parent = sequence(6);
        PageSequence child = parent.fork();
        assertArrayEquals(parent.pages(), child.pages());
        assertEquals(8, pool.freePages());
        int shared = child.pages()[1];
        Appended write = appended(child, 1);
        assertEquals(List.of(new PageCopy(shared, child.pages()[1])), write.copies());
        assertNotEquals(shared, child.pages()[1]);
        assertEquals(parent.pages()[0], child.pages()[0]);
        assertEquals(shared, parent.pages()[1]);
        assertEquals(List.of(), appended(parent, 1).copies(), "nobody else has the page any more");
        assertEquals(7, pool.freePages());
    }

    @Test
    void aForkOnAPageBorderNeedsNoCopy() {
        PageSequence parent = sequence(8);
        PageSequence child = parent.fork();
        assertEquals(List.of(), appended(child, 1).copies());
        assertEquals(List.of(), appended(parent, 1).copies());
        assertNotEquals(parent.pages()[2], child.pages()[2]);
    }

    @Test
    void truncateReturnsExactlyThePagesPastTheLength() {
        PageSequence sequence = sequence(14);
        int[] pages = sequence.pages();
        assertArrayEquals(new int[0], sequence.truncate(13));
        assertArrayEquals(new int[]{pages[3]}, sequence.truncate(12));
        assertArrayEquals(new int[]{pages[2]}, sequence.truncate(5));
        assertEquals(5, sequence.length());
        assertEquals(8, pool.freePages());
        assertArrayEquals(new int[]{pages[0], pages[1]}, sequence.truncate(0));
        assertEquals(10, pool.freePages());
        assertEquals("cannot truncate sequence 0 to 1 tokens: 0..0 are allowed",
                assertThrows(IllegalArgumentException.class, () -> sequence.truncate(1)).getMessage());
    }

    @Test
    void exhaustionSaysLaterOrNeverAndChangesNothing() {
        PageSequence first = sequence(32);
        PageSequence second = sequence(3);
        int[] before = second.pages();
        assertEquals(new Exhausted(Exhaustion.LATER, 2, 1), second.append(9));
        assertEquals(new Exhausted(Exhaustion.NEVER, 10, 1), second.append(38));
        assertEquals(Exhaustion.NEVER,
                assertInstanceOf(Exhausted.class, second.append(Integer.MAX_VALUE)).when());
        assertArrayEquals(before, second.pages());
        assertEquals(3, second.length());
        assertEquals(1, pool.freePages());
        first.free();
        assertEquals(new Appended(3, 37, 3, List.of()), second.append(37));
    }

    @Test
    void aCopyThatDoesNotFitIsLater() {
        PageSequence parent = sequence(39);
        PageSequence child = parent.fork();
        assertEquals(new Exhausted(Exhaustion.LATER, 1, 0), child.append(1));
        parent.free();
        assertEquals(new Appended(39, 1, 3, List.of()), child.append(1));
    }

    @Test
    void doubleFreeAndUseAfterFreeNameTheSequence() {
        pool.allocate();
        PageSequence sequence = sequence(5);
        sequence.free();
        assertEquals(10, pool.freePages());
        List<Runnable> uses = List.of(sequence::free, sequence::length, sequence::pages, sequence::fork,
                () -> sequence.append(1), () -> sequence.truncate(0),
                () -> pool.toPageTable(List.of(sequence)),
                () -> pool.prefixes().publish("", sequence, new int[0]));
        for (Runnable use : uses) {
            assertEquals("sequence 1 is freed",
                    assertThrows(IllegalStateException.class, use::run).getMessage());
        }
        assertEquals(10, pool.freePages());
        assertEquals(1, sequence.id());
    }

    @Test
    void pageTableOfSeveralSequences() {
        PageSequence a = sequence(5);
        PageSequence empty = pool.allocate();
        PageSequence b = sequence(8);
        PageTable table = pool.toPageTable(List.of(a, empty, b, a));
        int[] pagesA = a.pages();
        int[] pagesB = b.pages();
        assertEquals(PageTable.of(4, 10, new int[]{0, 2, 2, 4, 6},
                new int[]{pagesA[0], pagesA[1], pagesB[0], pagesB[1], pagesA[0], pagesA[1]},
                new int[]{1, 0, 4, 1}), table);
        assertEquals(0, pool.toPageTable(List.of()).batchSize());
    }

    @Test
    void handlesOfAnotherPoolAreRefused() {
        PlainPagePool other = new PlainPagePool(4, 10);
        PageSequence foreign = other.allocate();
        PrefixMatch match = other.prefixes().match("", new int[5]);
        assertEquals("sequence 0 is of another pool", assertThrows(IllegalArgumentException.class,
                () -> pool.toPageTable(List.of(foreign))).getMessage());
        assertThrows(IllegalArgumentException.class,
                () -> pool.prefixes().publish("", foreign, new int[0]));
        assertEquals("prefix match of 0 tokens in namespace '' is of another pool",
                assertThrows(IllegalArgumentException.class, () -> pool.allocate(match)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> pool.prefixes().pin(match));
        assertThrows(IllegalArgumentException.class, () -> pool.prefixes().unpin(match));
    }
}
