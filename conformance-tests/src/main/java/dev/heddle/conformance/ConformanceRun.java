package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.DeviceInfo;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Runs rules on a subject, one case after another.
 *
 * @since 0.1
 */
@Evolving
public final class ConformanceRun {
    private ConformanceRun() {}

    /**
     * Runs every selected case.
     *
     * @param progress told of each case as it ends
     * @return never throws for what the subject does; see {@link ConformanceReport#succeeded()}
     */
    public static ConformanceReport run(Subject subject, KitOptions options, Consumer<CaseResult> progress) {
        return run(subject, options, RuleBook.all(), progress);
    }

    /** As {@link #run(Subject, KitOptions, Consumer)}, with a list of rules. */
    public static ConformanceReport run(
            Subject subject, KitOptions options, List<Rule> rules, Consumer<CaseResult> progress) {
        List<CaseResult> results = new ArrayList<>();
        DeviceInfo device;
        CaseSequence sequence = new CaseSequence(subject, options, rules);
        Deadline deadline = new Deadline(options.budget());
        try (CaseRunner runner = new CaseRunner(subject, options)) {
            Iterator<ConformanceCase> cases = sequence.iterator();
            while (!deadline.hasPassed() && cases.hasNext()) {
                CaseResult result = runner.run(cases.next());
                results.add(result);
                progress.accept(result);
            }
            device = runner.device();
        }
        return new ConformanceReport(subject.id(), versionOf(subject), device, options, claims(rules),
                results,
                leftOut(sequence.derived(), results.size()), Map.of());
    }

    /** Returns how many derived cases of each rule a run of so many cases left out. */
    public static Map<String, Integer> leftOut(List<ConformanceCase> derived, int ran) {
        Map<String, Integer> counts = new TreeMap<>();
        derived.subList(Math.min(ran, derived.size()), derived.size())
                .forEach(kase -> counts.merge(kase.rule(), 1, Integer::sum));
        return counts;
    }

    /** Returns the selected cases that a list of rules derives, without running them. */
    public static List<ConformanceCase> cases(Subject subject, KitOptions options, List<Rule> rules) {
        return new CaseSequence(subject, options, rules).derived();
    }

    /** Runs one case on an open bench. */
    public static CaseResult run(ConformanceCase kase, Bench bench) {
        Kit kit = new Kit(bench, kase);
        long start = System.nanoTime();
        Outcome outcome = Outcome.PASSED;
        String message = "";
        try {
            kase.body().run(kit);
        } catch (NotDeclaredException e) {
            outcome = Outcome.NOT_DECLARED;
            message = String.valueOf(e.getMessage());
        } catch (ConformanceFailure e) {
            outcome = Outcome.FAILED;
            message = "[" + kase.rule() + "] " + e.getMessage();
        } catch (RuntimeException | LinkageError | AssertionError | StackOverflowError e) {
            outcome = Outcome.FAILED;
            message = "[" + kase.rule() + "] " + e;
        }
        return new CaseResult(kase, outcome, message, System.nanoTime() - start, kit.errors());
    }

    private static Map<String, String> claims(List<Rule> rules) {
        Map<String, String> claims = new LinkedHashMap<>();
        rules.forEach(rule -> claims.put(rule.id(), rule.claim()));
        return claims;
    }

    private static String versionOf(Subject subject) {
        try {
            return subject.provider().version();
        } catch (RuntimeException | LinkageError | AssertionError e) {
            return "unknown: " + e;
        }
    }
}
