package dev.heddle.conformance.shrink;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.CaseSequence;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.core.Evolving;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Shrinks the failures of a run.
 *
 * @since 0.1
 */
@Evolving
public final class SmallestCases {
    /** Failures of one rule that are shrunk: more of them mostly are the same one. */
    public static final int PER_RULE = 2;

    private SmallestCases() {}

    /**
     * Returns the report with the smallest case of the first failures of each rule.
     *
     * @param runner runs a case, here or in a child VM
     */
    public static ConformanceReport in(
            ConformanceReport report, Subject subject, Function<ConformanceCase, CaseResult> runner) {
        if (report.failures().isEmpty()) {
            return report;
        }
        Minimiser minimiser = new Minimiser(new Declared(subject.provider().capabilities()), runner);
        Map<String, CaseResult> smallest = new LinkedHashMap<>();
        Map<String, Integer> shrunk = new HashMap<>();
        for (CaseResult failure : report.failures()) {
            if (shrunk.getOrDefault(failure.kase().rule(), 0) < PER_RULE) {
                derived(failure, subject).filter(kase -> kase.family() != null).ifPresent(kase -> {
                    shrunk.merge(kase.rule(), 1, Integer::sum);
                    smallest.put(kase.name(), minimiser.minimise(new CaseResult(kase, failure.outcome(),
                            failure.message(), failure.nanos(), failure.errors())));
                });
            }
        }
        return report.withSmallest(smallest);
    }

    /** A result read from a child VM names its case, but cannot make another of it. */
    private static Optional<ConformanceCase> derived(CaseResult failure, Subject subject) {
        return failure.kase().family() != null
                ? Optional.of(failure.kase())
                : new CaseSequence(subject, KitOptions.ofCase(failure.kase().name()), RuleBook.all())
                        .derived()
                        .stream().filter(kase -> kase.name().equals(failure.kase().name())).findFirst();
    }
}
