package dev.heddle.core.page;

import dev.heddle.core.Evolving;

/**
 * The rule that every row pointer array keeps: it starts at 0 and never falls.
 *
 * @since 0.1
 */
@Evolving
public final class IndptrCheck {
    private IndptrCheck() {}

    /**
     * Checks {@code [batch + 1]} row pointers.
     *
     * @param field the array's name in messages: {@code kv_indptr}, {@code qo_indptr}
     * @throws InvalidPageTableException naming the request whose range is negative
     */
    public static void check(String field, int[] indptr) {
        if (indptr[0] != 0) {
            throw new InvalidPageTableException(-1, field, 0, "0", indptr[0]);
        }
        for (int i = 1; i < indptr.length; i++) {
            if (indptr[i] < indptr[i - 1]) {
                throw new InvalidPageTableException(
                        i - 1, field, i, "at least " + field + "[" + (i - 1) + "] = " + indptr[i - 1],
                        indptr[i]);
            }
        }
    }
}
