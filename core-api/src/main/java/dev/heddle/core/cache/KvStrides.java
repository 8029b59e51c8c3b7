package dev.heddle.core.cache;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvLayout;

/**
 * Distances in elements inside a cache of K or of V; the head's own elements are dense.
 *
 * @param page from a page to the next one of its segment
 * @param token from a token slot to the next one of its page
 * @param head from a KV head to the next one
 * @since 0.1
 */
@Stable
public record KvStrides(long page, long token, long head) {
    /**
     * Checks the strides.
     *
     * @throws IllegalArgumentException if one is negative
     */
    public KvStrides {
        if (page < 0 || token < 0 || head < 0) {
            throw new IllegalArgumentException(
                    "KV strides must be 0 or more elements, got page " + page + ", token " + token + ", head "
                            + head);
        }
    }

    /** Returns the strides of a gapless cache. */
    public static KvStrides dense(KvLayout layout, int pageSize, int numKvHeads, int headDim) {
        long page = Math.multiplyExact(Math.multiplyExact((long) pageSize, numKvHeads), headDim);
        return switch (layout) {
            case NHD -> new KvStrides(page, (long) numKvHeads * headDim, headDim);
            case HND -> new KvStrides(page, headDim, (long) pageSize * headDim);
        };
    }

    /** Returns the strides of gapless keys. */
    public static KvStrides denseK(AttentionSpec spec) {
        return dense(spec.kvLayout(), spec.pageSize(), spec.numKvHeads(), spec.headDimQk());
    }

    /** Returns the strides of gapless values. */
    public static KvStrides denseV(AttentionSpec spec) {
        return dense(spec.kvLayout(), spec.pageSize(), spec.numKvHeads(), spec.headDimVo());
    }
}
