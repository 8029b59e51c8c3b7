package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.RuleSummary;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToIntFunction;

/** What {@code heddle conformance} says of one run, or of several with a seed each: in words and in JSON. */
final class ConformanceAnswer {
    /**
     * A run.
     *
     * @param seconds it took, with what it takes to start and to list the cases
     */
    record Timed(ConformanceReport report, double seconds) {}

    private final List<Timed> runs;

    ConformanceAnswer(List<Timed> runs) {
        this.runs = List.copyOf(runs);
    }

    boolean succeeded() {
        return runs.stream().allMatch(run -> run.report().succeeded());
    }

    void print(PrintWriter out) {
        for (RuleSummary rule : rules()) {
            out.println(String.format("  %-5s %5d passed %s%s  %s", rule.rule(), rule.passed(),
                    rule.failed() == 0 ? "" : rule.failed() + " FAILED",
                    rule.notDeclared() == 0 ? "" : "(" + rule.notDeclared() + " not declared)",
                    rule.claim()));
        }
        runs.forEach(run -> print(run, out));
        if (runs.size() > 1) {
            out.println(String.format("%d seeds: %d cases, %d failed, in %.1f s", runs.size(), cases(),
                    count(Outcome.FAILED), seconds()));
        }
    }

    private void print(Timed run, PrintWriter out) {
        ConformanceReport report = run.report();
        for (CaseResult failure : report.failures()) {
            out.println("  " + failure.kase().name() + ": " + failure.message());
            CaseResult smaller = report.smallest().get(failure.kase().name());
            if (smaller != null) {
                out.println("    smallest: " + smaller.kase().name() + ": " + smaller.message());
            }
        }
        out.println((runs.size() == 1 ? "" : "seed " + report.seed() + ": ") + report.verdict()
                + String.format("; %.1f s", run.seconds()));
    }

    JsonObject json() {
        ConformanceReport first = runs.getFirst().report();
        JsonObject json = new JsonObject();
        json.addProperty("backend", first.backend());
        json.addProperty("seed", first.seed());
        json.addProperty("fresh_seed", first.options().freshSeed());
        json.addProperty("budget", first.options().budget().toString());
        json.addProperty("left_out", sum(ConformanceAnswer::leftOut));
        json.addProperty("cases", cases());
        json.addProperty("numeric", sum(ConformanceReport::numericPassed));
        json.addProperty("passed", count(Outcome.PASSED));
        json.addProperty("failed", count(Outcome.FAILED));
        json.addProperty("seconds", seconds());
        if (runs.size() > 1) {
            json.add("seeds", seeds());
        }
        JsonArray rules = new JsonArray();
        rules().forEach(rule -> rules.add(json(rule)));
        json.add("rules", rules);
        JsonArray failures = new JsonArray();
        for (Timed run : runs) {
            run.report().failures().forEach(failure -> failures.add(json(failure, run.report())));
        }
        json.add("failures", failures);
        return json;
    }

    private JsonArray seeds() {
        JsonArray seeds = new JsonArray();
        for (Timed run : runs) {
            JsonObject one = new JsonObject();
            one.addProperty("seed", run.report().seed());
            one.addProperty("cases", run.report().results().size());
            one.addProperty("passed", run.report().count(Outcome.PASSED));
            one.addProperty("failed", run.report().count(Outcome.FAILED));
            one.addProperty("left_out", leftOut(run.report()));
            one.addProperty("seconds", rounded(run.seconds()));
            seeds.add(one);
        }
        return seeds;
    }

    private static JsonObject json(RuleSummary rule) {
        JsonObject one = new JsonObject();
        one.addProperty("rule", rule.rule());
        one.addProperty("claim", rule.claim());
        one.addProperty("passed", rule.passed());
        one.addProperty("failed", rule.failed());
        one.addProperty("not_declared", rule.notDeclared());
        return one;
    }

    private static JsonObject json(CaseResult failure, ConformanceReport report) {
        JsonObject one = new JsonObject();
        one.addProperty("case", failure.kase().name());
        one.addProperty("message", failure.message());
        CaseResult smaller = report.smallest().get(failure.kase().name());
        if (smaller != null) {
            one.addProperty("smallest", smaller.kase().name());
            one.addProperty("smallest_message", smaller.message());
        }
        return one;
    }

    /** Each rule once, with its cases of all runs. */
    private List<RuleSummary> rules() {
        Map<String, RuleSummary> sums = new TreeMap<>();
        for (Timed run : runs) {
            run.report().rules().forEach(rule -> sums.merge(rule.rule(), rule,
                    (a, b) -> new RuleSummary(a.rule(), a.claim(), a.passed() + b.passed(),
                            a.failed() + b.failed(), a.notDeclared() + b.notDeclared())));
        }
        return List.copyOf(sums.values());
    }

    private static int leftOut(ConformanceReport report) {
        return report.leftOut().values().stream().mapToInt(Integer::intValue).sum();
    }

    private int cases() {
        return sum(report -> report.results().size());
    }

    private int count(Outcome outcome) {
        return sum(report -> report.count(outcome));
    }

    private int sum(ToIntFunction<ConformanceReport> of) {
        return runs.stream().map(Timed::report).mapToInt(of).sum();
    }

    private double seconds() {
        return rounded(runs.stream().mapToDouble(Timed::seconds).sum());
    }

    private static double rounded(double seconds) {
        return Math.round(seconds * 10) / 10.0;
    }
}
