package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How much a run may cost: all that the rules derive from the declaration and a number of random shapes after it, or
 * as much of that as a time allows.
 *
 * @param time when to stop; null for when all is done
 * @param perRule the most derived cases of one rule, 1 or more; the first ones are the ones that cover most
 * @param randomShapes the most random shapes, 0 or more
 * @since 0.1
 */
@Evolving
public record Budget(@Nullable Duration time, int perRule, int randomShapes) {
    /** Everything derived, and 2,000 random shapes or as many as a minute allows: some devices compile a kernel for each. */
    public static final Budget USUAL = new Budget(null, Integer.MAX_VALUE, 2_000);
    /** Everything derived, and 20,000 random shapes. */
    public static final Budget ALL = new Budget(null, Integer.MAX_VALUE, 20_000);

    private static final Duration USUAL_RANDOM_TIME = Duration.ofMinutes(1);
    private static final Pattern TIME = Pattern.compile("(\\d{1,6})([smh])");
    private static final Pattern PER_RULE = Pattern.compile("(\\d{1,6})/rule(?:\\+(\\d{1,6}))?");

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if a part is out of its range
     */
    public Budget {
        if (perRule < 1 || randomShapes < 0 || (time != null && !time.isPositive())) {
            throw new IllegalArgumentException("a budget must be positive, got time " + time + ", " + perRule
                    + " cases per rule, " + randomShapes + " random shapes");
        }
    }

    /** Returns a budget that ends with a time: derived cases of all rules in turn, then random shapes. */
    public static Budget of(Duration time) {
        return new Budget(time, Integer.MAX_VALUE, Integer.MAX_VALUE);
    }

    /** Returns the first so many derived cases of each rule, and no random shape. */
    public static Budget perRule(int cases) {
        return new Budget(null, cases, 0);
    }

    /**
     * Reads {@code usual}, {@code all}, a time such as {@code 60s}, {@code 10m} or {@code 1h}, {@code 8/rule}, or
     * {@code 8/rule+100} with so many random shapes.
     *
     * @throws IllegalArgumentException if the text is none of these
     */
    public static Budget parse(String text) {
        String word = text.toLowerCase(Locale.ROOT);
        Matcher time = TIME.matcher(word);
        Matcher perRule = PER_RULE.matcher(word);
        if (word.equals("usual")) {
            return USUAL;
        } else if (word.equals("all")) {
            return ALL;
        } else if (time.matches() && Long.parseLong(time.group(1)) > 0) {
            long count = Long.parseLong(time.group(1));
            return of(switch (time.group(2)) {
                case "s" -> Duration.ofSeconds(count);
                case "m" -> Duration.ofMinutes(count);
                default -> Duration.ofHours(count);
            });
        } else if (perRule.matches() && Integer.parseInt(perRule.group(1)) > 0) {
            String random = perRule.group(2);
            return new Budget(null, Integer.parseInt(perRule.group(1)),
                    random == null ? 0 : Integer.parseInt(random));
        }
        throw new IllegalArgumentException(
                "a budget is usual, all, a time such as 60s, 10m or 1h, or a number"
                        + " of cases for each rule such as 8/rule, or 8/rule+100 with random shapes, got '"
                        + text + "'");
    }

    /** Returns how long random shapes may take; null for as long as they do. */
    @Nullable
    Duration randomTime() {
        return equals(USUAL) ? USUAL_RANDOM_TIME : null;
    }

    /** Returns the text that {@link #parse} reads. */
    @Override
    public String toString() {
        if (equals(USUAL)) {
            return "usual";
        } else if (equals(ALL)) {
            return "all";
        }
        return time == null ? perRule + "/rule" + (randomShapes == 0 ? "" : "+" + randomShapes)
                : Math.max(1, time.toSeconds()) + "s";
    }
}
