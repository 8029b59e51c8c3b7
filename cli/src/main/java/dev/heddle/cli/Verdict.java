package dev.heddle.cli;

import org.jspecify.annotations.Nullable;

/**
 * How a result compares with the exact one.
 *
 * @param holds whether every bound holds
 * @param failure what does not hold and where, or null
 * @param coverage which rows were compared, in words
 */
record Verdict(
        boolean holds,
        @Nullable String failure,
        double maxError,
        double maxBound,
        double meanError,
        double meanBound,
        double lseError,
        String coverage) {}
