package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * Whole numbers from {@code min} to {@code max}, both included. {@link Integer#MAX_VALUE} as the upper end means no
 * limit.
 *
 * @param min smallest member
 * @param max largest member, not below {@code min}
 * @since 0.1
 */
@Stable
public record IntRange(int min, int max) {
    /**
     * Checks the ends.
     *
     * @throws IllegalArgumentException if the range is empty
     */
    public IntRange {
        if (min > max) {
            throw new IllegalArgumentException("a range must not be empty, got " + min + ".." + max);
        }
    }

    /** Returns the range of one number. */
    public static IntRange of(int value) {
        return new IntRange(value, value);
    }

    /** Returns {@code min..max}. */
    public static IntRange of(int min, int max) {
        return new IntRange(min, max);
    }

    /** Returns {@code min} and everything above. */
    public static IntRange atLeast(int min) {
        return new IntRange(min, Integer.MAX_VALUE);
    }

    /** Returns whether the number is a member. */
    public boolean contains(long value) {
        return value >= min && (value <= max || max == Integer.MAX_VALUE);
    }

    /** Returns {@code {1}}, {@code 1..16} or {@code 1..}. */
    @Override
    public String toString() {
        if (min == max) {
            return "{" + min + "}";
        }
        return max == Integer.MAX_VALUE ? min + ".." : min + ".." + max;
    }
}
