package dev.heddle.conformance;

import dev.heddle.core.Evolving;

/**
 * Errors against the fp64 oracle and what was allowed, over all elements of out.
 *
 * @param maxError largest absolute error of out
 * @param maxBound what it may be
 * @param meanError mean absolute error of out
 * @param meanBound what it may be
 * @param lseError largest absolute error of the LSE; 0 where there is none
 * @since 0.1
 */
@Evolving
public record ErrorStats(double maxError, double maxBound, double meanError, double meanBound,
        double lseError) {
    /** Returns whichever of the two came closer to its bound, or went further past it. */
    public ErrorStats worse(ErrorStats other) {
        return other.strain() > strain() ? other : this;
    }

    /** Returns the larger of the two errors as a fraction of its bound: at most 1 if both hold. */
    public double strain() {
        return Math.max(fraction(maxError, maxBound), fraction(meanError, meanBound));
    }

    /** Returns an error as a fraction of its bound; 0 where there is no error, whatever the bound. */
    public static double fraction(double error, double bound) {
        return error == 0 ? 0 : error / bound;
    }
}
