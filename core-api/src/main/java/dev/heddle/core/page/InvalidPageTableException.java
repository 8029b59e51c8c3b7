package dev.heddle.core.page;

import dev.heddle.core.Stable;

/**
 * A page table or a row pointer array is malformed. The message names the request, the index and the value, and
 * says what is allowed: {@code request 4: kv_last_page_len[4] must be in 1..16, got 17}.
 *
 * @since 0.1
 */
@Stable
public final class InvalidPageTableException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    /** The request, or −1 where the fault belongs to none. */
    private final int request;

    /** The array, in the field's spelling. */
    private final String field;

    /** The index into the array, or −1 where the array as a whole is at fault. */
    private final int index;

    /** The offending value. */
    private final long value;

    /**
     * Makes the exception.
     *
     * @param request the request, or −1 where the fault belongs to none
     * @param field the array: {@code kv_indptr}, {@code kv_indices}, {@code kv_last_page_len}, {@code qo_indptr}, …
     * @param index the index into the array, or −1 for its length
     * @param allowed what the value must be, as a clause: {@code in 1..16}
     * @param value the value that was given
     */
    public InvalidPageTableException(int request, String field, int index, String allowed, long value) {
        super((request >= 0 ? "request " + request + ": " : "") + field
                + (index >= 0 ? "[" + index + "]" : "")
                + " must be " + allowed + ", got " + value);
        this.request = request;
        this.field = field;
        this.index = index;
        this.value = value;
    }

    /** Returns the request at fault, or −1 where the fault belongs to none. */
    public int request() {
        return request;
    }

    /** Returns the array at fault, in the field's spelling: {@code kv_indptr}. */
    public String field() {
        return field;
    }

    /** Returns the index into the array, or −1 where its length is at fault. */
    public int index() {
        return index;
    }

    /** Returns the value that was given. */
    public long value() {
        return value;
    }
}
