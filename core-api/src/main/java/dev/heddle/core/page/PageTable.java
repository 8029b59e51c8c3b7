package dev.heddle.core.page;

import dev.heddle.core.Stable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The pages of every request of a batch, in compressed form. Immutable: the arrays are copied and checked here,
 * so nothing downstream needs to check them again, or can be hurt by a later change of the caller's arrays.
 *
 * <p>Request {@code i} owns {@code kv_indices[kv_indptr[i] .. kv_indptr[i+1]]}; all its pages are full but the
 * last, which holds {@code kv_last_page_len[i]} tokens. A request without pages has {@code kv_last_page_len} 0
 * and kv_len 0. Requests may share pages.
 *
 * @since 0.1
 */
@Stable
public final class PageTable {
    private final int pageSize;
    private final int poolPages;
    private final int[] kvIndptr;
    private final int[] kvIndices;
    private final int[] kvLastPageLen;
    private final int maxKvLen;
    private final int minKvLen;
    private final long totalKvLen;

    private PageTable(int pageSize, int poolPages, int[] kvIndptr, int[] kvIndices, int[] kvLastPageLen) {
        this.pageSize = pageSize;
        this.poolPages = poolPages;
        this.kvIndptr = kvIndptr;
        this.kvIndices = kvIndices;
        this.kvLastPageLen = kvLastPageLen;
        int max = 0;
        int min = Integer.MAX_VALUE;
        long total = 0;
        for (int i = 0; i < kvLastPageLen.length; i++) {
            int kvLen = kvLen(i);
            max = Math.max(max, kvLen);
            min = Math.min(min, kvLen);
            total += kvLen;
        }
        this.maxKvLen = max;
        this.minKvLen = kvLastPageLen.length == 0 ? 0 : min;
        this.totalKvLen = total;
    }

    /**
     * Checks and copies a table.
     *
     * @param pageSize tokens a page holds, 1 or more
     * @param poolPages number of physical pages that ids may name: 0 … poolPages − 1
     * @param kvIndptr {@code [batch + 1]}, rises from 0
     * @param kvIndices {@code [>= kvIndptr[batch]]}, page ids; what lies beyond is ignored
     * @param kvLastPageLen {@code [batch]}, 1 … pageSize, or 0 for a request without pages
     * @throws InvalidPageTableException naming request, index and value of the first fault
     */
    public static PageTable of(int pageSize, int poolPages, int[] kvIndptr, int[] kvIndices,
            int[] kvLastPageLen) {
        if (pageSize < 1) {
            throw new InvalidPageTableException(-1, "page_size", -1, "1 or more", pageSize);
        }
        if (poolPages < 0) {
            throw new InvalidPageTableException(-1, "pool pages", -1, "0 or more", poolPages);
        }
        if (kvIndptr.length == 0) {
            throw new InvalidPageTableException(-1, "length of kv_indptr", -1, "batch + 1, at least 1", 0);
        }
        int batch = kvIndptr.length - 1;
        if (kvLastPageLen.length != batch) {
            throw new InvalidPageTableException(
                    -1, "length of kv_last_page_len", -1, "batch = " + batch + " as kv_indptr has it",
                    kvLastPageLen.length);
        }
        IndptrCheck.check("kv_indptr", kvIndptr);
        int pages = kvIndptr[batch];
        if (kvIndices.length < pages) {
            throw new InvalidPageTableException(
                    -1, "length of kv_indices", -1, "at least kv_indptr[" + batch + "] = " + pages,
                    kvIndices.length);
        }
        checkLengths(pageSize, kvIndptr, kvLastPageLen);
        int[] indices = Arrays.copyOf(kvIndices, pages);
        checkIds(indices, poolPages, kvIndptr);
        return new PageTable(pageSize, poolPages, kvIndptr.clone(), indices, kvLastPageLen.clone());
    }

    private static void checkLengths(int pageSize, int[] kvIndptr, int[] kvLastPageLen) {
        for (int i = 0; i < kvLastPageLen.length; i++) {
            int pages = kvIndptr[i + 1] - kvIndptr[i];
            int last = kvLastPageLen[i];
            if (pages == 0 && last != 0) {
                throw new InvalidPageTableException(i, "kv_last_page_len", i,
                        "0, as the request has no pages", last);
            }
            if (pages > 0 && (last < 1 || last > pageSize)) {
                throw new InvalidPageTableException(i, "kv_last_page_len", i, "in 1.." + pageSize, last);
            }
            if (pages > 0 && (long) (pages - 1) * pageSize + last > Integer.MAX_VALUE) {
                throw new InvalidPageTableException(
                        i, "kv_len", -1, "at most 2^31 - 1", (long) (pages - 1) * pageSize + last);
            }
        }
    }

    private static void checkIds(int[] ids, int poolPages, int[] kvIndptr) {
        // The sign bit of id | (poolPages - 1 - id) tells a bad id. One branchless pass vectorises, which is what
        // keeps planning 32768 pages within microseconds; the search for the culprit comes only when there is one.
        int top = poolPages - 1;
        int signs = 0;
        for (int id : ids) {
            signs |= id | (top - id);
        }
        if (signs >= 0) {
            return;
        }
        for (int i = 0, request = 0; i < ids.length; i++) {
            while (i >= kvIndptr[request + 1]) {
                request++;
            }
            if (ids[i] < 0 || ids[i] >= poolPages) {
                throw new InvalidPageTableException(
                        request, "kv_indices", i,
                        poolPages == 0 ? "absent: the pool has no pages" : "in 0.." + top,
                        ids[i]);
            }
        }
    }

    /** Returns the number of requests. */
    public int batchSize() {
        return kvLastPageLen.length;
    }

    /** Returns the tokens that a page holds. */
    public int pageSize() {
        return pageSize;
    }

    /** Returns the number of physical pages that ids may name; a cache that runs this table has at least these. */
    public int poolPages() {
        return poolPages;
    }

    /** Returns the number of page references of all requests. */
    public int totalPages() {
        return kvIndices.length;
    }

    /** Returns where a request's page ids start; {@code kvIndptr(batchSize())} is their total number. */
    public int kvIndptr(int request) {
        return kvIndptr[request];
    }

    /** Returns the physical page at a position of {@code kv_indices}. */
    public int kvIndex(int position) {
        return kvIndices[position];
    }

    /** Returns the tokens in a request's last page; 0 where it has none. */
    public int kvLastPageLen(int request) {
        return kvLastPageLen[request];
    }

    /** Returns the number of pages of a request. */
    public int pages(int request) {
        return kvIndptr[request + 1] - kvIndptr[request];
    }

    /** Returns the KV tokens of a request. */
    public int kvLen(int request) {
        return Math.max(0, pages(request) - 1) * pageSize + kvLastPageLen[request];
    }

    /** Returns the physical page that holds a token of a request. */
    public int pageOf(int request, int token) {
        return kvIndices[kvIndptr[request] + token / pageSize];
    }

    /** Returns the largest kv_len; 0 for an empty batch. */
    public int maxKvLen() {
        return maxKvLen;
    }

    /** Returns the smallest kv_len; 0 for an empty batch. */
    public int minKvLen() {
        return minKvLen;
    }

    /** Returns the sum of all kv_len. */
    public long totalKvLen() {
        return totalKvLen;
    }

    /** Copies {@code kv_indptr [batch + 1]} into an array at an offset. */
    public void copyKvIndptr(int[] target, int offset) {
        System.arraycopy(kvIndptr, 0, target, offset, kvIndptr.length);
    }

    /** Copies {@code kv_indices [pages]} into an array at an offset. */
    public void copyKvIndices(int[] target, int offset) {
        System.arraycopy(kvIndices, 0, target, offset, kvIndices.length);
    }

    /** Copies all physical page ids, {@code [pages]} int32, to the beginning of a segment; no array in between. */
    public void copyKvIndices(MemorySegment target) {
        MemorySegment.copy(kvIndices, 0, target, ValueLayout.JAVA_INT_UNALIGNED, 0, kvIndices.length);
    }

    /** Copies {@code kv_last_page_len [batch]} into an array at an offset. */
    public void copyKvLastPageLen(int[] target, int offset) {
        System.arraycopy(kvLastPageLen, 0, target, offset, kvLastPageLen.length);
    }

    /** Returns the same pages as a dense block table whose rows are as long as the longest request. */
    public BlockTable toBlockTable() {
        int width = 0;
        for (int i = 0; i < batchSize(); i++) {
            width = Math.max(width, pages(i));
        }
        int[] blocks = new int[batchSize() * width];
        Arrays.fill(blocks, BlockTable.UNUSED);
        int[] kvLens = new int[batchSize()];
        for (int i = 0; i < batchSize(); i++) {
            System.arraycopy(kvIndices, kvIndptr[i], blocks, i * width, pages(i));
            kvLens[i] = kvLen(i);
        }
        return BlockTable.of(pageSize, poolPages, blocks, width, kvLens);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PageTable that
                && pageSize == that.pageSize
                && poolPages == that.poolPages
                && Arrays.equals(kvIndptr, that.kvIndptr)
                && Arrays.equals(kvIndices, that.kvIndices)
                && Arrays.equals(kvLastPageLen, that.kvLastPageLen);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * Arrays.hashCode(kvIndptr) + Arrays.hashCode(kvLastPageLen)) + pageSize;
    }

    /** Returns sizes only, for messages. */
    @Override
    public String toString() {
        return "PageTable[batch=" + batchSize() + ", pageSize=" + pageSize + ", pages=" + totalPages()
                + ", maxKvLen="
                + maxKvLen + "]";
    }
}
