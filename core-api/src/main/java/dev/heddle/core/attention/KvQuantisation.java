package dev.heddle.core.attention;

import dev.heddle.core.Stable;

/**
 * The scales that turn stored K and V into values.
 *
 * @since 0.1
 */
@Stable
public enum KvQuantisation {
    /** Values are stored as they are. */
    NONE,
    /** One scale for K and one for V. */
    PER_TENSOR,
    /** One scale for K and one for V for each KV head. */
    PER_HEAD
}
