package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.RuleSummary;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.isolation.ChildVm;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.planner.Plugins;
import dev.heddle.planner.UnknownBackendException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
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

    @Option(names = "--seed", paramLabel = "N", description = "of every input (default: 42)")
    private long seed = KitOptions.DEFAULT.seed();

    @Option(names = "--budget", paramLabel = "N",
            description = "the most cases of one rule, those that cover most first (default: all)")
    private int budget = KitOptions.DEFAULT.budget();

    @Option(names = "--isolated",
            description = "run the cases in a child VM: one that it does not survive has failed, and the others still run")
    private boolean isolated;

    @Option(names = "--report", paramLabel = "DIR",
            description = "write junit.xml, cases.jsonl and index.html")
    private @Nullable Path report;

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (Plugins plugins = Plugins.in(common.pluginFolders())) {
            return prove(Subject.of(provider(plugins)));
        }
    }

    private int prove(Subject subject) throws IOException, InterruptedException {
        KitOptions options = (kase != null
                ? KitOptions.ofCase(kase)
                : KitOptions.DEFAULT.withSeed(seed).withBudget(budget)
                        .withRules(rules.toArray(String[]::new)))
                .withCacheDirectory(CommonFlags.cache());
        ConformanceReport result = isolated ? runIsolated(subject, options) : run(subject, options);
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

    private ConformanceReport run(Subject subject, KitOptions options) {
        int cases = ConformanceRun.cases(subject, options, RuleBook.all()).size();
        requireCases(cases);
        try (ProgressBar bar = Progress.bar("conformance of " + backend, cases)) {
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
            failures.add(one);
        }
        json.add("failures", failures);
        return json;
    }
}
