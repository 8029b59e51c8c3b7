package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a run covers.
 *
 * @param seed seeds every input; part of every case's name
 * @param rules globs that select rules ({@code "3.*"}, {@code "4.06"}) or, with a slash, cases by their full name
 *     ({@code "3.01/g7-*"}); empty selects all
 * @param budget the most cases of one rule, 1 or more; the first ones are the ones that cover most
 * @param cacheDirectory where the subject may keep compiled kernels from one run to the next; null for nowhere
 * @since 0.1
 */
@Evolving
public record KitOptions(long seed, List<String> rules, int budget, @Nullable Path cacheDirectory) {
    /** Seed 42, every rule, the whole budget. */
    public static final KitOptions DEFAULT = new KitOptions(42, List.of(), 700, null);

    private static final Pattern SEED = Pattern.compile(".*/seed(-?\\d{1,19})");

    /**
     * Copies the list.
     *
     * @throws IllegalArgumentException if the budget is below 1
     */
    public KitOptions {
        rules = List.copyOf(rules);
        if (budget < 1) {
            throw new IllegalArgumentException("budget must be 1 case or more for each rule, got " + budget);
        }
    }

    /**
     * Returns options that reproduce one case.
     *
     * @param name {@code rule/shape/seedN}, as a report gives it
     * @throws IllegalArgumentException if the name has no seed
     */
    public static KitOptions ofCase(String name) {
        Matcher matcher = SEED.matcher(name);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "a case is named rule/shape/seedN, as in 3.01/g7-d128-p16-bf16/seed42, got '" + name
                            + "'");
        }
        return new KitOptions(Long.parseLong(matcher.group(1)), List.of(name), DEFAULT.budget, null);
    }

    /** Returns these options with another seed. */
    public KitOptions withSeed(long newSeed) {
        return new KitOptions(newSeed, rules, budget, cacheDirectory);
    }

    /** Returns these options with another selection. */
    public KitOptions withRules(String... globs) {
        return new KitOptions(seed, List.of(globs), budget, cacheDirectory);
    }

    /** Returns these options with another budget. */
    public KitOptions withBudget(int casesPerRule) {
        return new KitOptions(seed, rules, casesPerRule, cacheDirectory);
    }

    /** Returns these options with a place for compiled kernels. */
    public KitOptions withCacheDirectory(Path directory) {
        return new KitOptions(seed, rules, budget, directory);
    }

    /** Returns whether a rule has cases that are selected. */
    public boolean selectsRule(String rule) {
        return rules.isEmpty()
                || rules.stream().anyMatch(glob -> {
                    int slash = glob.indexOf('/');
                    return matches(slash < 0 ? glob : glob.substring(0, slash), rule);
                });
    }

    /** Returns whether a case is selected. */
    public boolean selects(ConformanceCase kase) {
        return rules.isEmpty()
                || rules.stream().anyMatch(
                        glob -> matches(glob, glob.indexOf('/') < 0 ? kase.rule() : kase.name()));
    }

    private static boolean matches(String glob, String text) {
        StringBuilder regex = new StringBuilder();
        for (String part : glob.split("\\*", -1)) {
            regex.append(regex.isEmpty() ? "" : ".*").append(Pattern.quote(part));
        }
        return text.matches(regex.toString());
    }
}
