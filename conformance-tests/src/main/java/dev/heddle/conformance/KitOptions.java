package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a run covers.
 *
 * @param seed seeds the inputs of what rules derive; part of each case's name
 * @param freshSeed seeds random shapes; another one in each run unless it is given, so that nobody can have learnt it
 * @param rules globs that select rules ({@code "3.*"}, {@code "4.06"}) or, with a slash, cases by their full name
 *     ({@code "3.01/g7-*"}); empty selects all
 * @param budget how many cases, or how long
 * @param cacheDirectory where the subject may keep compiled kernels from one run to the next; null for nowhere
 * @param caseLimit how long one case may take before its backend is taken for hung
 * @since 0.1
 */
@Evolving
public record KitOptions(
        long seed, long freshSeed, List<String> rules, Budget budget, @Nullable Path cacheDirectory,
        Duration caseLimit) {
    /** Seed 42 and a fresh one, every rule, the usual budget, five minutes for a case. */
    public static final KitOptions DEFAULT = new KitOptions(42, new SecureRandom().nextInt(1, 1_000_000_000),
            List.of(), Budget.USUAL, null, Duration.ofMinutes(5));

    /** The system property that {@link #ofProperties} reads. */
    public static final String BUDGET_PROPERTY = "dev.heddle.conformance.budget";

    private static final Pattern SEED = Pattern.compile(".*/seed(-?\\d{1,19})");

    /**
     * Copies the list.
     *
     * @throws IllegalArgumentException if the limit of a case is not positive
     */
    public KitOptions {
        rules = List.copyOf(rules);
        if (!caseLimit.isPositive()) {
            throw new IllegalArgumentException("the limit of a case must be positive, got " + caseLimit);
        }
    }

    /**
     * Returns {@link #DEFAULT}, with the budget that the system property {@value #BUDGET_PROPERTY} names if it is set: for
     * builds that prove the same backend elsewhere, or that have more time.
     *
     * @throws IllegalArgumentException if the property's value is no budget
     */
    public static KitOptions ofProperties() {
        String budget = System.getProperty(BUDGET_PROPERTY);
        if (budget == null) {
            return DEFAULT;
        }
        try {
            return DEFAULT.withBudget(Budget.parse(budget));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("system property " + BUDGET_PROPERTY + ": " + e.getMessage(),
                    e);
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
                    "a case is named rule/shape/seedN, as in 3.01/g7-d128-p16-bf16-h2-q1-kv64/seed42, got '"
                            + name + "'");
        }
        return DEFAULT.withSeed(Long.parseLong(matcher.group(1))).withRules(name);
    }

    /** Returns these options with one seed for everything: nothing is left to chance. */
    public KitOptions withSeed(long newSeed) {
        return new KitOptions(newSeed, newSeed, rules, budget, cacheDirectory, caseLimit);
    }

    /** Returns these options with another seed for random shapes. */
    public KitOptions withFreshSeed(long newSeed) {
        return new KitOptions(seed, newSeed, rules, budget, cacheDirectory, caseLimit);
    }

    /** Returns these options with another selection. */
    public KitOptions withRules(String... globs) {
        return new KitOptions(seed, freshSeed, List.of(globs), budget, cacheDirectory, caseLimit);
    }

    /** Returns these options with another budget. */
    public KitOptions withBudget(Budget newBudget) {
        return new KitOptions(seed, freshSeed, rules, newBudget, cacheDirectory, caseLimit);
    }

    /** Returns these options with a place for compiled kernels. */
    public KitOptions withCacheDirectory(@Nullable Path directory) {
        return new KitOptions(seed, freshSeed, rules, budget, directory, caseLimit);
    }

    /** Returns these options with another limit for each case. */
    public KitOptions withCaseLimit(Duration limit) {
        return new KitOptions(seed, freshSeed, rules, budget, cacheDirectory, limit);
    }

    /** Returns the names of cases that are selected alone: those without an asterisk. */
    List<String> namedCases() {
        return rules.stream().filter(glob -> glob.indexOf('/') > 0 && glob.indexOf('*') < 0).toList();
    }

    /** Returns whether single cases are selected, rather than whole rules. */
    public boolean selectsCases() {
        return rules.stream().anyMatch(glob -> glob.indexOf('/') >= 0);
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
