package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.DeviceInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        try (Bench bench = new Bench(subject, options)) {
            for (ConformanceCase kase : cases(subject, options, rules)) {
                CaseResult result = run(kase, bench);
                results.add(result);
                progress.accept(result);
            }
            device = bench.device();
        }
        return new ConformanceReport(
                subject.id(), versionOf(subject), device, options, claims(rules), results);
    }

    /** Returns the selected cases of a list of rules, without running them. */
    public static List<ConformanceCase> cases(Subject subject, KitOptions options, List<Rule> rules) {
        List<ConformanceCase> cases = new ArrayList<>();
        for (Rule rule : rules) {
            if (options.selectsRule(rule.id())) {
                casesOf(rule, subject, options).stream()
                        .limit(options.budget())
                        .filter(options::selects)
                        .forEach(cases::add);
            }
        }
        return cases;
    }

    private static List<ConformanceCase> casesOf(Rule rule, Subject subject, KitOptions options) {
        try {
            return rule.cases(subject, options);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            // A declaration that cannot be read is the subject's failure; the other rules still run.
            return List.of(ConformanceCase.plain(rule.id(), "cases", options, kit -> {
                throw new ConformanceFailure("the cases cannot be derived from the declaration: " + e, e);
            }));
        }
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
        } catch (RuntimeException | LinkageError | AssertionError e) {
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
