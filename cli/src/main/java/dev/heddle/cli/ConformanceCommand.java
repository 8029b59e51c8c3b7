package dev.heddle.cli;

import dev.heddle.cli.command.CommonFlags;
import dev.heddle.cli.command.Progress;
import dev.heddle.conformance.Budget;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.CaseRunner;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.RuleBook;
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
    private static final double NANOS = 1e9;

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

    @Option(names = "--seeds", paramLabel = "COUNT", defaultValue = "1",
            description = "so many runs, each with the next seed and a budget of its own (default: ${DEFAULT-VALUE})")
    private int seeds = 1;

    @Option(names = "--budget", paramLabel = "BUDGET", converter = BudgetConverter.class,
            description = "usual (default), all, a time such as 60s or 10m, 8/rule, or 8/rule+100 with random shapes")
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
                description = "run the kit on backends that are broken on purpose, for the selected rules: each must be caught")
        private boolean run;

        @Option(names = "--saboteurs", description = "print the table of those backends")
        private boolean table;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (Plugins plugins = Plugins.in(common.pluginFolders())) {
            AttentionBackendProvider provider = provider(plugins);
            if (selfTest != null) {
                KitSelfTest test = new KitSelfTest(common, provider,
                        KitOptions.DEFAULT.withRules(rules.toArray(String[]::new)));
                return selfTest.table ? test.table() : test.run();
            }
            return prove(Subject.of(provider));
        }
    }

    private int prove(Subject subject) throws IOException, InterruptedException {
        KitOptions options = options();
        List<ConformanceAnswer.Timed> runs = new ArrayList<>();
        for (int i = 0; i < seeds; i++) {
            KitOptions these = seeds == 1 ? options : options.withSeed(options.seed() + i);
            long start = System.nanoTime();
            ConformanceReport result = isolated ? runIsolated(subject, these) : run(subject, these);
            if (minimise) {
                result = smallest(subject, these, result);
            }
            runs.add(new ConformanceAnswer.Timed(result, (System.nanoTime() - start) / NANOS));
            if (report != null) {
                Reports.write(result, seeds == 1 ? report : report.resolve("seed-" + result.seed()));
            }
        }
        ConformanceAnswer answer = new ConformanceAnswer(runs);
        if (common.json()) {
            common.print(answer.json());
        } else {
            answer.print(common.out());
            if (report != null) {
                common.out().println("report: " + (seeds == 1 ? report.resolve("index.html") : report));
            }
        }
        return answer.succeeded() ? 0 : Failures.CHECK_FAILED;
    }

    private KitOptions options() {
        if (seeds < 1 || (seeds > 1 && kase != null)) {
            throw new IllegalArgumentException(
                    "--seeds is 1 or more, and 1 with --case, whose name has its seed; got " + seeds);
        }
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
}
