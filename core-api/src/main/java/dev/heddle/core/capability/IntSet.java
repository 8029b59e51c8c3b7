package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A set of positive whole numbers as data: listed values, or an arithmetic progression that may have no end.
 *
 * @param values the members, rising, if they are listed; empty for a progression
 * @param min smallest member of a progression
 * @param max largest possible member of a progression; {@link Integer#MAX_VALUE} for no limit
 * @param step distance of neighbouring members of a progression, 1 or more
 * @since 0.1
 */
@Stable
public record IntSet(List<Integer> values, int min, int max, int step) {
    /**
     * Checks and copies the parts.
     *
     * @throws IllegalArgumentException if listed values do not rise, or the progression is empty
     */
    public IntSet {
        values = List.copyOf(values);
        for (int i = 1; i < values.size(); i++) {
            if (values.get(i) <= values.get(i - 1)) {
                throw new IllegalArgumentException("the values of a set must rise, got " + values);
            }
        }
        if (values.isEmpty() && (min > max || step < 1)) {
            throw new IllegalArgumentException(
                    "a set must have members: min <= max and step >= 1, got " + min + ".." + max + " step "
                            + step);
        }
        if (!values.isEmpty()) {
            min = values.getFirst();
            max = values.getLast();
            step = 1;
        }
    }

    /** Returns the set of these numbers, in any order. */
    public static IntSet of(int... members) {
        if (members.length == 0) {
            throw new IllegalArgumentException("a set needs at least one member");
        }
        return new IntSet(Arrays.stream(members).sorted().distinct().boxed().toList(), 0, 0, 1);
    }

    /** Returns {@code min} and everything above. */
    public static IntSet atLeast(int min) {
        return new IntSet(List.of(), min, Integer.MAX_VALUE, 1);
    }

    /** Returns {@code min..max}. */
    public static IntSet range(int min, int max) {
        return new IntSet(List.of(), min, max, 1);
    }

    /** Returns the multiples of {@code step} from {@code step} to {@code max}. */
    public static IntSet multiplesOf(int step, int max) {
        return new IntSet(List.of(), step, max, step);
    }

    /** Returns whether the number is a member. */
    public boolean contains(int value) {
        if (!values.isEmpty()) {
            return values.contains(value);
        }
        return value >= min && value <= max && (value - min) % step == 0;
    }

    /** Returns whether the members are listed one by one. */
    public boolean isListed() {
        return !values.isEmpty();
    }

    /** Returns {@code {1,2,4}}, {@code 1..16}, {@code 1..} or {@code 8..512 step 8}. */
    @Override
    public String toString() {
        if (isListed()) {
            return values.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
        }
        String range = max == Integer.MAX_VALUE ? min + ".." : min + ".." + max;
        return step == 1 ? range : range + " step " + step;
    }
}
