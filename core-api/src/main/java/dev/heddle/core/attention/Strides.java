package dev.heddle.core.attention;

import dev.heddle.core.Stable;

/**
 * How q, out and the KV cache may lie in memory.
 *
 * @since 0.1
 */
@Stable
public enum Strides {
    /** Row-major without gaps; the KV cache in its layout's own strides, one segment for K and one for V. */
    DENSE,
    /** Any strides with a dense last dimension; the KV cache in any number of equal segments. */
    STRIDED
}
