package dev.heddle.core.attention;

import dev.heddle.core.Stable;
import dev.heddle.core.page.IndptrCheck;
import dev.heddle.core.page.InvalidPageTableException;
import dev.heddle.core.page.PageTable;
import java.util.Arrays;

/**
 * A bit for each query row and key of a batch: set if the row may see the key. Request {@code i} owns {@code qo_len
 * × kv_len} bits, row-major, from bit {@code maskIndptr[i]} on; bit {@code b} is bit {@code b % 64} of word {@code b
 * / 64}. Immutable. Tree-shaped speculative decoding is what it is for.
 *
 * @since 0.1
 */
@Stable
public final class CustomMask {
    /** Decides one bit of a mask. */
    @FunctionalInterface
    public interface Predicate {
        /** Returns whether query row {@code row} of request {@code request} may see key {@code key}. */
        boolean visible(int request, int row, int key);
    }

    private final long[] words;
    private final long[] maskIndptr;

    private CustomMask(long[] words, long[] maskIndptr) {
        this.words = words;
        this.maskIndptr = maskIndptr;
    }

    /**
     * Makes a mask by asking for every bit.
     *
     * @param qoIndptr {@code [batch + 1]}
     * @param pageTable the batch's pages
     */
    public static CustomMask of(int[] qoIndptr, PageTable pageTable, Predicate predicate) {
        int batch = pageTable.batchSize();
        if (qoIndptr.length != batch + 1) {
            throw new InvalidPageTableException(-1, "length of qo_indptr", -1, "batch + 1 = " + (batch + 1),
                    qoIndptr.length);
        }
        IndptrCheck.check("qo_indptr", qoIndptr);
        long[] indptr = new long[batch + 1];
        for (int i = 0; i < batch; i++) {
            indptr[i + 1] = indptr[i] + (long) (qoIndptr[i + 1] - qoIndptr[i]) * pageTable.kvLen(i);
        }
        long[] words = new long[Math.toIntExact((indptr[batch] + 63) / 64)];
        for (int i = 0; i < batch; i++) {
            long bit = indptr[i];
            for (int row = 0; row < qoIndptr[i + 1] - qoIndptr[i]; row++) {
                for (int key = 0; key < pageTable.kvLen(i); key++, bit++) {
                    if (predicate.visible(i, row, key)) {
                        words[(int) (bit >>> 6)] |= 1L << bit;
                    }
                }
            }
        }
        return new CustomMask(words, indptr);
    }

    /**
     * Copies packed bits.
     *
     * @param words {@code [>= ceil(maskIndptr[batch] / 64)]}
     * @param maskIndptr {@code [batch + 1]}, where each request's bits start
     */
    public static CustomMask ofBits(long[] words, long[] maskIndptr) {
        if (maskIndptr.length == 0 || maskIndptr[0] != 0) {
            throw new InvalidPageTableException(-1, "mask_indptr", 0, "present and 0",
                    maskIndptr.length == 0 ? -1 : maskIndptr[0]);
        }
        for (int i = 1; i < maskIndptr.length; i++) {
            if (maskIndptr[i] < maskIndptr[i - 1]) {
                throw new InvalidPageTableException(
                        i - 1, "mask_indptr", i, "at least the one before, " + maskIndptr[i - 1],
                        maskIndptr[i]);
            }
        }
        long needed = Math.ceilDiv(maskIndptr[maskIndptr.length - 1], 64);
        if (words.length < needed) {
            throw new InvalidPageTableException(-1, "length of mask words", -1, "at least " + needed,
                    words.length);
        }
        return new CustomMask(Arrays.copyOf(words, Math.toIntExact(needed)), maskIndptr.clone());
    }

    /** Returns the number of requests. */
    public int batchSize() {
        return maskIndptr.length - 1;
    }

    /** Returns where a request's bits start. */
    public long maskIndptr(int request) {
        return maskIndptr[request];
    }

    /** Returns the bits of a word. */
    public long word(int index) {
        return words[index];
    }

    /** Returns the number of words. */
    public int words() {
        return words.length;
    }

    /** Returns whether a row may see a key. */
    public boolean visible(int request, int row, int key, int kvLen) {
        long bit = maskIndptr[request] + (long) row * kvLen + key;
        return (words[(int) (bit >>> 6)] >>> bit & 1) != 0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CustomMask that
                && Arrays.equals(words, that.words)
                && Arrays.equals(maskIndptr, that.maskIndptr);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(words) + Arrays.hashCode(maskIndptr);
    }
}
