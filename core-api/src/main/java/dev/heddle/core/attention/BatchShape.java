package dev.heddle.core.attention;

import dev.heddle.core.Stable;
import dev.heddle.core.page.BlockTable;
import dev.heddle.core.page.IndptrCheck;
import dev.heddle.core.page.InvalidPageTableException;
import dev.heddle.core.page.PageTable;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is new at every step: which query rows and which pages belong to each request. Decode (qo_len 1), prefill,
 * append and mixed batches are all batches. Immutable and checked when made.
 *
 * @since 0.1
 */
@Stable
public final class BatchShape {
    private final int[] qoIndptr;
    private final PageTable pageTable;
    private final @Nullable CustomMask customMask;
    private final int minQoLen;
    private final int maxQoLen;

    private BatchShape(int[] qoIndptr, PageTable pageTable, @Nullable CustomMask customMask) {
        this.qoIndptr = qoIndptr;
        this.pageTable = pageTable;
        this.customMask = customMask;
        int min = Integer.MAX_VALUE;
        int max = 0;
        for (int i = 0; i < pageTable.batchSize(); i++) {
            int qoLen = qoIndptr[i + 1] - qoIndptr[i];
            min = Math.min(min, qoLen);
            max = Math.max(max, qoLen);
        }
        this.minQoLen = pageTable.batchSize() == 0 ? 0 : min;
        this.maxQoLen = max;
    }

    /**
     * Checks and copies row pointers and joins them to a page table.
     *
     * @param qoIndptr {@code [batch + 1]}, rises from 0; request i owns query rows {@code qoIndptr[i] ..
     *     qoIndptr[i+1]}
     * @throws InvalidPageTableException naming request, index and value of the first fault
     */
    public static BatchShape of(int[] qoIndptr, PageTable pageTable) {
        int batch = pageTable.batchSize();
        if (qoIndptr.length != batch + 1) {
            throw new InvalidPageTableException(
                    -1, "length of qo_indptr", -1, "batch + 1 = " + (batch + 1) + " as the page table has it",
                    qoIndptr.length);
        }
        IndptrCheck.check("qo_indptr", qoIndptr);
        return new BatchShape(qoIndptr.clone(), pageTable, null);
    }

    /** As {@link #of(int[], PageTable)}, for a dense block table. */
    public static BatchShape of(int[] qoIndptr, BlockTable blockTable) {
        return of(qoIndptr, blockTable.toPageTable());
    }

    /** Returns a decode batch: one query row for each request. */
    public static BatchShape decode(PageTable pageTable) {
        int[] qoIndptr = new int[pageTable.batchSize() + 1];
        Arrays.setAll(qoIndptr, i -> i);
        return new BatchShape(qoIndptr, pageTable, null);
    }

    /**
     * Returns this batch with a custom mask.
     *
     * @throws InvalidPageTableException if the mask has not {@code qo_len × kv_len} bits for each request
     */
    public BatchShape withMask(CustomMask mask) {
        if (mask.batchSize() != batchSize()) {
            throw new InvalidPageTableException(-1, "requests of the custom mask", -1, "" + batchSize(),
                    mask.batchSize());
        }
        for (int i = 0; i < batchSize(); i++) {
            long bits = (long) qoLen(i) * kvLen(i);
            if (mask.maskIndptr(i + 1) - mask.maskIndptr(i) != bits) {
                throw new InvalidPageTableException(i, "mask_indptr", i + 1,
                        "qo_len * kv_len = " + bits + " beyond mask_indptr[" + i + "]",
                        mask.maskIndptr(i + 1));
            }
        }
        return new BatchShape(qoIndptr, pageTable, mask);
    }

    /** Returns the number of requests. */
    public int batchSize() {
        return pageTable.batchSize();
    }

    /** Returns the pages. */
    public PageTable pageTable() {
        return pageTable;
    }

    /** Returns the custom mask, or null if there is none. */
    public @Nullable CustomMask customMask() {
        return customMask;
    }

    /** Returns where a request's query rows start; {@code qoIndptr(batchSize())} is {@link #totalQoLen()}. */
    public int qoIndptr(int request) {
        return qoIndptr[request];
    }

    /** Returns the query rows of a request. */
    public int qoLen(int request) {
        return qoIndptr[request + 1] - qoIndptr[request];
    }

    /** Returns the KV tokens of a request. */
    public int kvLen(int request) {
        return pageTable.kvLen(request);
    }

    /** Returns the query rows of all requests. */
    public int totalQoLen() {
        return qoIndptr[qoIndptr.length - 1];
    }

    /** Returns the smallest qo_len; 0 for an empty batch. */
    public int minQoLen() {
        return minQoLen;
    }

    /** Returns the largest qo_len; 0 for an empty batch. */
    public int maxQoLen() {
        return maxQoLen;
    }

    /** Copies {@code qo_indptr [batch + 1]} into an array at an offset. */
    public void copyQoIndptr(int[] target, int offset) {
        System.arraycopy(qoIndptr, 0, target, offset, qoIndptr.length);
    }

    /** Returns sizes only, for messages. */
    @Override
    public String toString() {
        return "BatchShape[batch=" + batchSize() + ", qoLen=" + minQoLen + ".." + maxQoLen + ", kvLen="
                + pageTable.minKvLen() + ".." + pageTable.maxKvLen() + "]";
    }
}
