package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.conformance.Budget;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.CaseRunner;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.RuleSummary;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.isolation.ChildVm;
import dev.heddle.conformance.shrink.SmallestCases;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.Plugins;
import dev.heddle.planner.UnknownBackendException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code heddle conformance}. */
@Command(name = "conformance", description = "Prove that a backend's declaration is true.")
final class ConformanceCommand implements Callable<Integer> {
    @Mixin
    private CommonFlags common = new CommonFlags();

    @Option(names = "--backend", paramLabel = "ID", description = "whom to prove (default: ${DEFAULT-VALUE})",
            defaultValue = "cpu")
    private String backend = "cpu";

    @Option(names = "--rules", paramLabel = "GLOB", description = "rules to check, as in 3.* (default: all)")
    private List<String> rules = List.of();

    @Option(names = "--case", paramLabel = "NAME", description = "one case, as a failure names it")
    private @Nullable String kase;

    @Option(names = "--seed", paramLabel = "N",
            description = "of every input (default: 42, and one of this run's own for random shapes)")
    private @Nullable Long seed;

    @Option(names = "--budget", paramLabel = "BUDGET", converter = BudgetConverter.class,
            description = "usual (default), all, a time such as 60s or 10m, or 8/rule")
    private Budget budget = Budget.USUAL;

    @Option(names = "--minimise", description = "shrink failing cases to the smallest that fail")
    private boolean minimise;

    @Option(names = "--isolated",
            description = "run the cases in a child VM: one that it does not survive has failed, and the others still run")
    private boolean isolated;

    @Option(names = "--report", paramLabel = "DIR",
            description = "write junit.xml, cases.jsonl and index.html")
    private @Nullable Path report;

    @ArgGroup(exclusive = true)
    private @Nullable SelfTestFlags selfTest;

    /** What the kit does with itself. */
    static final class SelfTestFlags {
        @Option(names = "--self-test",
                description = "run the kit on backends that are broken on purpose: each must be caught")
        private boolean run;

        @Option(names = "--saboteurs", description = "print the table of those backends")
        private boolean table;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (Plugins plugins = Plugins.in(common.pluginFolders())) {
            AttentionBackendProvider provider = provider(plugins);
            if (selfTest != null) {
                KitSelfTest test = new KitSelfTest(common, provider);
                return selfTest.table ? test.table() : test.run();
            }
            return prove(Subject.of(provider));
        }
    }

    private int prove(Subject subject) throws IOException, InterruptedException {
        KitOptions options = options();
        ConformanceReport result = isolated ? runIsolated(subject, options) : run(subject, options);
        if (minimise) {
            result = smallest(subject, options, result);
        }
        if (report != null) {
            Reports.write(result, report);
        }
        if (common.json) {
            common.print(json(result));
        } else {
            print(result);
        }
        return result.succeeded() ? 0 : Failures.CHECK_FAILED;
    }

    private KitOptions options() {
        KitOptions options = kase != null ? KitOptions.ofCase(kase)
                : KitOptions.DEFAULT.withRules(rules.toArray(String[]::new)).withBudget(budget);
        return (seed == null || kase != null ? options : options.withSeed(seed))
                .withCacheDirectory(CommonFlags.cache());
    }

    private ConformanceReport smallest(Subject subject, KitOptions options, ConformanceReport result)
            throws IOException {
        try (ProgressBar bar = Progress.bar("minimising", -1);
                CaseRunner here = new CaseRunner(subject, options)) {
            return SmallestCases.in(result, subject, candidate -> {
                bar.step();
                return isolated ? runAlone(subject, options, candidate) : here.run(candidate);
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static CaseResult runAlone(Subject subject, KitOptions options, ConformanceCase candidate) {
        try {
            return ChildVm.run(subject, KitOptions.ofCase(candidate.name())
                    .withCacheDirectory(options.cacheDirectory()), done -> {}).results().getFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while minimising", e);
        }
    }

    private ConformanceReport run(Subject subject, KitOptions options) {
        int derived = ConformanceRun.cases(subject, options, RuleBook.all()).size();
        requireCases(derived);
        boolean timed = options.budget().time() != null;
        try (ProgressBar bar = Progress.bar("conformance of " + backend,
                timed ? -1 : derived + (options.selectsCases() ? 0 : options.budget().randomShapes()))) {
            return ConformanceRun.run(subject, options, done -> bar.step());
        }
    }

    // The child lists the cases, not this VM: a backend may crash while it is asked what it declares.
    private ConformanceReport runIsolated(Subject subject, KitOptions options)
            throws IOException, InterruptedException {
        try (ProgressBar bar = Progress.bar("conformance of " + backend, -1)) {
            ConformanceReport result = ChildVm.run(subject, options, done -> bar.step());
            requireCases(result.results().size());
            return result;
        }
    }

    private void requireCases(int cases) {
        if (cases == 0) {
            throw new IllegalArgumentException(
                    "no case is called " + (kase != null ? kase : String.join(" or ", rules))
                            + " for backend " + backend);
        }
    }

    private AttentionBackendProvider provider(Plugins plugins) {
        List<String> known = new ArrayList<>();
        for (AttentionBackendProvider provider : providers(plugins)) {
            known.add(provider.id());
            if (backend.equals(provider.id())) {
                return provider;
            }
        }
        throw new UnknownBackendException(backend, known);
    }

    private List<AttentionBackendProvider> providers(Plugins plugins) {
        List<AttentionBackendProvider> all = new ArrayList<>();
        var found = ServiceLoader.load(AttentionBackendProvider.class).iterator();
        while (true) {
            try {
                if (!found.hasNext()) {
                    break;
                }
                all.add(found.next());
            } catch (ServiceConfigurationError | LinkageError e) {
                common.err().println("heddle: passed over a broken provider: " + e.getMessage());
            }
        }
        plugins.rejections().forEach(
                rejection -> common.err().println("heddle: passed over a plug-in: " + rejection.message()));
        all.addAll(plugins.providers());
        return all;
    }

    private void print(ConformanceReport result) {
        for (RuleSummary rule : result.rules()) {
            common.out().println(String.format("  %-5s %5d passed %s%s  %s", rule.rule(), rule.passed(),
                    rule.failed() == 0 ? "" : rule.failed() + " FAILED",
                    rule.notDeclared() == 0 ? "" : "(" + rule.notDeclared() + " not declared)",
                    rule.claim()));
        }
        for (CaseResult failure : result.failures()) {
            common.out().println("  " + failure.kase().name() + ": " + failure.message());
            CaseResult smaller = result.smallest().get(failure.kase().name());
            if (smaller != null) {
                common.out().println("    smallest: " + smaller.kase().name() + ": " + smaller.message());
            }
        }
        common.out().println(result.verdict());
        if (report != null) {
            common.out().println("report: " + report.resolve("index.html"));
        }
    }

    private static JsonObject json(ConformanceReport result) {
        JsonObject json = new JsonObject();
        json.addProperty("backend", result.backend());
        json.addProperty("seed", result.seed());
        json.addProperty("fresh_seed", result.options().freshSeed());
        json.addProperty("budget", result.options().budget().toString());
        json.addProperty("left_out", result.leftOut().values().stream().mapToInt(Integer::intValue).sum());
        json.addProperty("cases", result.results().size());
        json.addProperty("numeric", result.numericPassed());
        json.addProperty("passed", result.count(Outcome.PASSED));
        json.addProperty("failed", result.count(Outcome.FAILED));
        JsonArray rules = new JsonArray();
        for (RuleSummary rule : result.rules()) {
            JsonObject one = new JsonObject();
            one.addProperty("rule", rule.rule());
            one.addProperty("claim", rule.claim());
            one.addProperty("passed", rule.passed());
            one.addProperty("failed", rule.failed());
            one.addProperty("not_declared", rule.notDeclared());
            rules.add(one);
        }
        json.add("rules", rules);
        JsonArray failures = new JsonArray();
        for (CaseResult failure : result.failures()) {
            JsonObject one = new JsonObject();
            one.addProperty("case", failure.kase().name());
            one.addProperty("message", failure.message());
            CaseResult smaller = result.smallest().get(failure.kase().name());
            if (smaller != null) {
                one.addProperty("smallest", smaller.kase().name());
                one.addProperty("smallest_message", smaller.message());
            }
            failures.add(one);
        }
        json.add("failures", failures);
        return json;
    }
}
