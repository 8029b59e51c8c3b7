package dev.heddle.core.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.heddle.core.page.InvalidPageTableException;
import dev.heddle.core.page.PageTable;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class BatchShapeTest {
    private static final PageTable PAGES =
            PageTable.of(4, 8, new int[]{0, 2, 3, 3}, new int[]{1, 2, 3}, new int[]{1, 3, 0});

    private static String refused(Runnable make) {
        return assertThrows(InvalidPageTableException.class, make::run).getMessage();
    }

    @Test
    void rowsAndLengths() {
        int[] indptr = {0, 3, 3, 4};
        BatchShape batch = BatchShape.of(indptr, PAGES);
        indptr[1] = 1;
        assertEquals(3, batch.qoLen(0));
        assertEquals(0, batch.qoLen(1));
        assertEquals(4, batch.totalQoLen());
        assertEquals(0, batch.minQoLen());
        assertEquals(3, batch.maxQoLen());
        assertEquals(5, batch.kvLen(0));
        assertNull(batch.customMask());
        int[] copy = new int[5];
        batch.copyQoIndptr(copy, 1);
        assertEquals("[0, 0, 3, 3, 4]", Arrays.toString(copy));
        assertEquals("BatchShape[batch=3, qoLen=0..3, kvLen=0..5]", batch.toString());
        BatchShape decode = BatchShape.decode(PAGES);
        assertEquals(1, decode.minQoLen());
        assertEquals(1, decode.maxQoLen());
        assertEquals(3, decode.totalQoLen());
        assertEquals(PAGES, BatchShape.of(new int[]{0, 1, 2, 3},
                PAGES.toBlockTable()).pageTable());
        BatchShape empty = BatchShape.decode(PageTable.of(4, 8, new int[]{0}, new int[0], new int[0]));
        assertEquals(0, empty.totalQoLen());
        assertEquals(0, empty.minQoLen());
    }

    @Test
    void malformedRowPointersAreNamed() {
        assertEquals("length of qo_indptr must be batch + 1 = 4 as the page table has it, got 3",
                refused(() -> BatchShape.of(new int[]{0, 1, 2}, PAGES)));
        assertEquals("qo_indptr[0] must be 0, got 2",
                refused(() -> BatchShape.of(new int[]{2, 3, 4, 5}, PAGES)));
        assertEquals("request 1: qo_indptr[2] must be at least qo_indptr[1] = 3, got 2",
                refused(() -> BatchShape.of(new int[]{0, 3, 2, 5}, PAGES)));
    }

    @Test
    void masksFitTheBatch() {
        int[] indptr = {0, 2, 3, 4};
        CustomMask mask = CustomMask.of(indptr, PAGES, (request, row, key) -> (request + row + key) % 3 == 0);
        BatchShape batch = BatchShape.of(indptr, PAGES).withMask(mask);
        assertSame(mask, batch.customMask());
        for (int i = 0; i < 3; i++) {
            for (int row = 0; row < batch.qoLen(i); row++) {
                for (int key = 0; key < batch.kvLen(i); key++) {
                    assertEquals((i + row + key) % 3 == 0, mask.visible(i, row, key, batch.kvLen(i)));
                }
            }
        }
        assertEquals(3, mask.batchSize());
        assertEquals(13, mask.maskIndptr(3));
        assertEquals(1, mask.words());
        CustomMask same = CustomMask.ofBits(new long[]{mask.word(0), 99}, new long[]{0, 10, 13, 13});
        assertEquals(mask, same);
        assertEquals(mask.hashCode(), same.hashCode());
        assertNotEquals(mask, CustomMask.ofBits(new long[]{0}, new long[]{0, 10, 13, 13}));
        assertEquals("request 0: mask_indptr[1] must be qo_len * kv_len = 5 beyond mask_indptr[0], got 10",
                refused(() -> BatchShape.decode(PAGES).withMask(mask)));
        assertEquals("requests of the custom mask must be 3, got 1",
                refused(() -> BatchShape.decode(PAGES).withMask(
                        CustomMask.ofBits(new long[1], new long[]{0, 1}))));
    }

    @Test
    void malformedMasksAreNamed() {
        assertEquals("mask_indptr[0] must be present and 0, got -1",
                refused(() -> CustomMask.ofBits(new long[0], new long[0])));
        assertEquals("mask_indptr[0] must be present and 0, got 3",
                refused(() -> CustomMask.ofBits(new long[1], new long[]{3})));
        assertEquals("request 1: mask_indptr[2] must be at least the one before, 5, got 4",
                refused(() -> CustomMask.ofBits(new long[1], new long[]{0, 5, 4})));
        assertEquals("length of mask words must be at least 2, got 1",
                refused(() -> CustomMask.ofBits(new long[1], new long[]{0, 65})));
        assertEquals("length of mask words must be at least 144115188075855872, got 1",
                refused(() -> CustomMask.ofBits(new long[1], new long[]{0, Long.MAX_VALUE})));
        assertEquals("length of qo_indptr must be batch + 1 = 4, got 1",
                refused(() -> CustomMask.of(new int[]{0}, PAGES, (i, r, k) -> true)));
        assertEquals("request 1: qo_indptr[2] must be at least qo_indptr[1] = 9, got 1",
                refused(() -> CustomMask.of(new int[]{0, 9, 1, 1}, PAGES, (i, r, k) -> true)));
    }

    @Test
    void longMasksCrossWords() {
        PageTable pages = PageTable.of(100, 8, new int[]{0, 1}, new int[]{1}, new int[]{100});
        CustomMask mask = CustomMask.of(new int[]{0, 3}, pages, (request, row, key) -> key % 7 == row);
        assertEquals(5, mask.words());
        for (int row = 0; row < 3; row++) {
            for (int key = 0; key < 100; key++) {
                assertEquals(key % 7 == row, mask.visible(0, row, key, 100));
            }
        }
    }
}
