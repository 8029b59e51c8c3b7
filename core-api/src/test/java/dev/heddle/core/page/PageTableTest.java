package dev.heddle.core.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PageTableTest {
    private static InvalidPageTableException refused(
            int pageSize, int pool, int[] indptr, int[] indices, int[] last) {
        return assertThrows(InvalidPageTableException.class,
                () -> PageTable.of(pageSize, pool, indptr, indices, last));
    }

    private static int[] ints(String text) {
        return text.isBlank() ? new int[0]
                : Arrays.stream(text.trim().split(" ")).mapToInt(Integer::parseInt).toArray();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "0|8|0|''|''|page_size must be 1 or more, got 0",
            "4|-1|0|''|''|pool pages must be 0 or more, got -1",
            "4|8|''|''|''|length of kv_indptr must be batch + 1, at least 1, got 0",
            "4|8|0 1|3|''|length of kv_last_page_len must be batch = 1 as kv_indptr has it, got 0",
            "4|8|1 2|3 3|1|kv_indptr[0] must be 0, got 1",
            "4|8|0 2 1|3 3|1 1|request 1: kv_indptr[2] must be at least kv_indptr[1] = 2, got 1",
            "4|8|0 2|3|1|length of kv_indices must be at least kv_indptr[1] = 2, got 1",
            "4|8|0 1 1|3|1 2|request 1: kv_last_page_len[1] must be 0, as the request has no pages, got 2",
            "4|8|0 1|3|0|request 0: kv_last_page_len[0] must be in 1..4, got 0",
            "4|8|0 1|3|5|request 0: kv_last_page_len[0] must be in 1..4, got 5",
            "4|8|0 1|3|-1|request 0: kv_last_page_len[0] must be in 1..4, got -1",
            "4|8|0 1 1 3|3 7 8|1 0 1|request 2: kv_indices[2] must be in 0..7, got 8",
            "4|8|0 1 3|3 -1 8|1 1|request 1: kv_indices[1] must be in 0..7, got -1",
            "4|8|0 1|-2147483648|1|request 0: kv_indices[0] must be in 0..7, got -2147483648",
            "4|8|0 1|2147483647|1|request 0: kv_indices[0] must be in 0..7, got 2147483647",
            "4|0|0 1|0|1|request 0: kv_indices[0] must be absent: the pool has no pages, got 0",
            "2147483647|8|0 2|1 2|1|request 0: kv_len must be at most 2^31 - 1, got 2147483648"})
    void malformedTablesAreNamed(int pageSize, int pool, String indptr, String indices, String last,
            String message) {
        assertEquals(message, refused(pageSize, pool, ints(indptr), ints(indices), ints(last)).getMessage());
    }

    @Test
    void theExceptionCarriesItsParts() {
        InvalidPageTableException e =
                refused(4, 8, new int[]{0, 1, 3}, new int[]{0, 1, 9}, new int[]{1, 1});
        assertEquals(1, e.request());
        assertEquals("kv_indices", e.field());
        assertEquals(2, e.index());
        assertEquals(9, e.value());
    }

    @Test
    void lengthsAndPages() {
        int[] indptr = {0, 2, 2, 3};
        int[] indices = {5, 3, 3, 99};
        int[] last = {1, 0, 4};
        PageTable table = PageTable.of(4, 6, indptr, indices, last);
        indptr[1] = 0;
        indices[0] = 77;
        last[0] = 3;
        assertEquals(3, table.batchSize());
        assertEquals(3, table.totalPages());
        assertEquals(5, table.kvLen(0));
        assertEquals(0, table.kvLen(1));
        assertEquals(4, table.kvLen(2));
        assertEquals(5, table.maxKvLen());
        assertEquals(0, table.minKvLen());
        assertEquals(9, table.totalKvLen());
        assertEquals(5, table.pageOf(0, 3));
        assertEquals(3, table.pageOf(0, 4));
        assertEquals(3, table.kvIndex(2));
        int[] copy = new int[5];
        table.copyKvIndices(copy, 1);
        assertEquals("[0, 5, 3, 3, 0]", Arrays.toString(copy));
        table.copyKvIndptr(copy, 0);
        assertEquals("[0, 2, 2, 3, 0]", Arrays.toString(copy));
        table.copyKvLastPageLen(copy, 2);
        assertEquals("[0, 2, 1, 0, 4]", Arrays.toString(copy));
        assertEquals("PageTable[batch=3, pageSize=4, pages=3, maxKvLen=5]", table.toString());
    }

    @Test
    void bothFormsConvertToEachOther() {
        Random random = new Random(3);
        for (int round = 0; round < 500; round++) {
            int pageSize = 1 + random.nextInt(5);
            int batch = random.nextInt(6);
            int[] indptr = new int[batch + 1];
            int[] last = new int[batch];
            for (int i = 0; i < batch; i++) {
                int pages = random.nextInt(4);
                indptr[i + 1] = indptr[i] + pages;
                last[i] = pages == 0 ? 0 : 1 + random.nextInt(pageSize);
            }
            int[] indices = random.ints(indptr[batch], 0, 9).toArray();
            PageTable table = PageTable.of(pageSize, 9, indptr, indices, last);
            BlockTable blocks = table.toBlockTable();
            assertEquals(table, blocks.toPageTable());
            assertEquals(table.hashCode(), blocks.toPageTable().hashCode());
            assertEquals(blocks, blocks.toPageTable().toBlockTable());
            for (int i = 0; i < batch; i++) {
                assertEquals(table.kvLen(i), blocks.kvLen(i));
                for (int j = 0; j < blocks.maxPages(); j++) {
                    assertEquals(
                            j < table.pages(i) ? table.kvIndex(table.kvIndptr(i) + j) : BlockTable.UNUSED,
                            blocks.block(i, j));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "0|1 2|2|1|page_size must be 1 or more, got 0",
            "4|''|-1|1|max_pages must be 0 or more, got -1",
            "4|1 2 3|2|1|length of block_table must be batch * max_pages = 1 * 2, got 3",
            "4|1 2|2|9|request 0: kv_len[0] must be in 0..8 (max_pages * page_size), got 9",
            "4|1 2|2|-1|request 0: kv_len[0] must be in 0..8 (max_pages * page_size), got -1",
            "4|1 2 8 9|2|8 3|request 1: block_table[2] must be in 0..7, got 8",
            "4|1 -1|2|5|request 0: block_table[1] must be in 0..7, got -1"})
    void malformedBlockTablesAreNamed(int pageSize, String blocks, int maxPages, String kvLens,
            String message) {
        assertEquals(message, assertThrows(InvalidPageTableException.class,
                () -> BlockTable.of(pageSize, 8, ints(blocks), maxPages, ints(kvLens))).getMessage());
    }

    @Test
    void entriesBeyondARequestsPagesAreIgnored() {
        BlockTable table = BlockTable.of(4, 8, new int[]{7, -5, 1000, 2, 3, 4}, 3, new int[]{3, 0});
        assertEquals(PageTable.of(4, 8, new int[]{0, 1, 1}, new int[]{7}, new int[]{3, 0}),
                table.toPageTable());
        int[] copy = new int[7];
        table.copyBlocks(copy, 1);
        assertEquals("[0, 7, -5, 1000, 2, 3, 4]", Arrays.toString(copy));
        assertEquals("BlockTable[batch=2, maxPages=3, maxKvLen=3]", table.toString());
    }
}
