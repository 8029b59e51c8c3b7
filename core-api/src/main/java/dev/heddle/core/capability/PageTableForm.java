package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * The form of page table that a backend reads; core-api converts.
 *
 * @since 0.1
 */
@Stable
public enum PageTableForm {
    /** {@code kv_indptr, kv_indices, kv_last_page_len}. */
    CSR,
    /** Dense {@code [batch, max_pages]} with {@code kv_len}. */
    BLOCK_TABLE
}
