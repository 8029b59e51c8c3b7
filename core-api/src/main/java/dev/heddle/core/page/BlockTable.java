package dev.heddle.core.page;

import dev.heddle.core.Stable;
import java.util.Arrays;

/**
 * The dense form of a page table: {@code [batch, max_pages]} page ids and {@code kv_len [batch]}. Entries beyond a
 * request's pages are ignored, whatever they hold. Immutable.
 *
 * @since 0.1
 */
@Stable
public final class BlockTable {
    /** What {@link PageTable#toBlockTable()} writes into entries beyond a request's pages. */
    public static final int UNUSED = -1;

    private final int[] blocks;
    private final int maxPages;
    private final PageTable pages;

    private BlockTable(int[] blocks, int maxPages, PageTable pages) {
        this.blocks = blocks;
        this.maxPages = maxPages;
        this.pages = pages;
    }

    /**
     * Checks and copies a block table.
     *
     * @param pageSize tokens a page holds, 1 or more
     * @param poolPages number of physical pages that ids may name
     * @param blocks {@code [batch, maxPages]}, row-major
     * @param maxPages width of a row, 0 or more
     * @param kvLens {@code [batch]}, KV tokens of each request
     * @throws InvalidPageTableException naming request, index and value of the first fault
     */
    public static BlockTable of(int pageSize, int poolPages, int[] blocks, int maxPages, int[] kvLens) {
        if (pageSize < 1) {
            throw new InvalidPageTableException(-1, "page_size", -1, "1 or more", pageSize);
        }
        if (maxPages < 0) {
            throw new InvalidPageTableException(-1, "max_pages", -1, "0 or more", maxPages);
        }
        int batch = kvLens.length;
        if (blocks.length != (long) batch * maxPages) {
            throw new InvalidPageTableException(
                    -1, "length of block_table", -1, "batch * max_pages = " + batch + " * " + maxPages,
                    blocks.length);
        }
        int[] indptr = new int[batch + 1];
        int[] last = new int[batch];
        for (int i = 0; i < batch; i++) {
            if (kvLens[i] < 0 || kvLens[i] > (long) maxPages * pageSize) {
                throw new InvalidPageTableException(
                        i, "kv_len", i, "in 0.." + (long) maxPages * pageSize + " (max_pages * page_size)",
                        kvLens[i]);
            }
            int count = Math.ceilDiv(kvLens[i], pageSize);
            indptr[i + 1] = indptr[i] + count;
            last[i] = count == 0 ? 0 : kvLens[i] - (count - 1) * pageSize;
        }
        int[] indices = new int[indptr[batch]];
        for (int i = 0; i < batch; i++) {
            for (int j = 0; j < indptr[i + 1] - indptr[i]; j++) {
                int id = blocks[i * maxPages + j];
                if (id < 0 || id >= poolPages) {
                    throw new InvalidPageTableException(
                            i, "block_table", i * maxPages + j, "in 0.." + (poolPages - 1), id);
                }
                indices[indptr[i] + j] = id;
            }
        }
        return new BlockTable(blocks.clone(), maxPages,
                PageTable.of(pageSize, poolPages, indptr, indices, last));
    }

    /** Returns the number of requests. */
    public int batchSize() {
        return pages.batchSize();
    }

    /** Returns the width of a row. */
    public int maxPages() {
        return maxPages;
    }

    /** Returns an entry; what lies beyond a request's pages means nothing. */
    public int block(int request, int position) {
        return blocks[request * maxPages + position];
    }

    /** Returns the KV tokens of a request. */
    public int kvLen(int request) {
        return pages.kvLen(request);
    }

    /** Copies the rows into an array at an offset. */
    public void copyBlocks(int[] target, int offset) {
        System.arraycopy(blocks, 0, target, offset, blocks.length);
    }

    /** Returns the same pages in compressed form. */
    public PageTable toPageTable() {
        return pages;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof BlockTable that
                && maxPages == that.maxPages
                && pages.equals(that.pages)
                && Arrays.equals(blocks, that.blocks);
    }

    @Override
    public int hashCode() {
        return 31 * pages.hashCode() + maxPages;
    }

    @Override
    public String toString() {
        return "BlockTable[batch=" + batchSize() + ", maxPages=" + maxPages + ", maxKvLen=" + pages.maxKvLen()
                + "]";
    }
}
