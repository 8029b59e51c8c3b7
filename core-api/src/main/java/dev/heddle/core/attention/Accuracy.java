package dev.heddle.core.attention;

import dev.heddle.core.Stable;

/**
 * How results may differ from exact arithmetic; each level includes those before it.
 *
 * @since 0.1
 */
@Stable
public enum Accuracy {
    /** Some step accumulates below fp32, or quantises q or the probabilities: errors may pass the dtype's bound. */
    REDUCED,
    /**
     * fp32 accumulation: the error against fp64 stays within 2× (largest) and 1.5× (mean) of a reference that
     * rounds only where the dtype does.
     */
    DTYPE
}
