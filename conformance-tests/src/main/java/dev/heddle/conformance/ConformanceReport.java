package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.DeviceInfo;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of a run.
 *
 * @param backend the subject's id
 * @param version the subject's version
 * @param device the device it ran on, or null if none is there
 * @param options what was selected
 * @param claims the claim of each rule, by its number
 * @param results every case, in the order in which it ran
 * @param leftOut how many derived cases of each rule the budget left out
 * @param smallest the smallest case found that fails in the same way, by the name of the failed case
 * @since 0.1
 */
@Evolving
public record ConformanceReport(
        String backend,
        String version,
        @Nullable DeviceInfo device,
        KitOptions options,
        Map<String, String> claims,
        List<CaseResult> results,
        Map<String, Integer> leftOut,
        Map<String, CaseResult> smallest) {

    /** Copies the collections. */
    public ConformanceReport {
        claims = Map.copyOf(claims);
        results = List.copyOf(results);
        leftOut = Collections.unmodifiableMap(new TreeMap<>(leftOut));
        smallest = Collections.unmodifiableMap(new LinkedHashMap<>(smallest));
    }

    /** Makes the report of a run that left nothing out. */
    public ConformanceReport(
            String backend, String version, @Nullable DeviceInfo device, KitOptions options,
            Map<String, String> claims, List<CaseResult> results) {
        this(backend, version, device, options, claims, results, Map.of(), Map.of());
    }

    /** Returns this report with smallest cases. */
    public ConformanceReport withSmallest(Map<String, CaseResult> found) {
        return new ConformanceReport(backend, version, device, options, claims, results, leftOut, found);
    }

    /** Returns the seed of every input. */
    public long seed() {
        return options.seed();
    }

    /** Returns how many cases ended this way. */
    public int count(Outcome outcome) {
        return (int) results.stream().filter(r -> r.outcome() == outcome).count();
    }

    /** Returns how many cases compared numbers and hold. */
    public int numericPassed() {
        return (int) results.stream()
                .filter(r -> r.kase().numeric() && r.outcome() == Outcome.PASSED)
                .count();
    }

    /** Returns the cases that do not hold. */
    public List<CaseResult> failures() {
        return results.stream().filter(r -> r.outcome() == Outcome.FAILED).toList();
    }

    /** Returns one line for each rule that has cases, by number. */
    public List<RuleSummary> rules() {
        Map<String, List<CaseResult>> byRule = new TreeMap<>();
        results.forEach(r -> byRule.computeIfAbsent(r.kase().rule(), rule -> new ArrayList<>()).add(r));
        return byRule.entrySet().stream()
                .map(e -> new RuleSummary(
                        e.getKey(),
                        claims.getOrDefault(e.getKey(), ""),
                        count(e.getValue(), Outcome.PASSED),
                        count(e.getValue(), Outcome.FAILED),
                        count(e.getValue(), Outcome.NOT_DECLARED)))
                .toList();
    }

    private static int count(List<CaseResult> results, Outcome outcome) {
        return (int) results.stream().filter(r -> r.outcome() == outcome).count();
    }

    /** Returns the rules of which the budget left out every case. */
    public List<String> unreached() {
        Set<String> reached = results.stream().map(r -> r.kase().rule()).collect(Collectors.toSet());
        return leftOut.keySet().stream().filter(rule -> !reached.contains(rule)).toList();
    }

    /**
     * Returns whether the run proves something and nothing against: no case failed, at least one that compares numbers
     * passed (any one at all, if only some rules were selected), and the budget lasted for every rule.
     */
    public boolean succeeded() {
        return count(Outcome.FAILED) == 0 && unreached().isEmpty()
                && (numericPassed() > 0 || (!options.rules().isEmpty() && count(Outcome.PASSED) > 0));
    }

    /** Returns the outcome in one sentence. */
    public String verdict() {
        int left = leftOut.values().stream().mapToInt(Integer::intValue).sum();
        String counts = results.size() + " cases: " + count(Outcome.PASSED) + " passed (" + numericPassed()
                + " numeric), " + count(Outcome.FAILED) + " failed, " + count(Outcome.NOT_DECLARED)
                + " not declared" + (left == 0 ? "" : "; the budget left out " + left);
        if (succeeded()) {
            return backend + (left == 0 ? " conforms; " : " conforms as far as it was asked; ") + counts;
        } else if (count(Outcome.FAILED) > 0) {
            return backend + " does not conform; " + counts;
        }
        return backend + " is not proved: " + (unreached().isEmpty()
                ? "no case that compares numbers passed"
                : "the budget ended before a case of " + String.join(", ", unreached())) + "; " + counts;
    }
}
