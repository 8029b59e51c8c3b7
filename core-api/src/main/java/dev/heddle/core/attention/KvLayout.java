package dev.heddle.core.attention;

import dev.heddle.core.Stable;

/**
 * How a page of K or V lies in memory.
 *
 * @since 0.1
 */
@Stable
public enum KvLayout {
    /** {@code [page_size, num_kv_heads, head_dim]}: tokens outermost. */
    NHD,
    /** {@code [num_kv_heads, page_size, head_dim]}: heads outermost. */
    HND
}
