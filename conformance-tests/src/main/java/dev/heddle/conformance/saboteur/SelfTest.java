package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.Bench;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.CaseRunner;
import dev.heddle.conformance.CaseSequence;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.isolation.ChildVm;
import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs the kit on every saboteur, and each case that catches one on the backend that is right.
 *
 * @since 0.1
 */
@Evolving
public final class SelfTest {
    private final AttentionBackendProvider right;
    private final Map<String, Optional<CaseResult>> honest = new HashMap<>();

    /**
     * What became of a saboteur.
     *
     * @param saboteur it
     * @param caughtBy the case that caught it, or the verdict; empty if nothing did
     * @param words what the kit said: of a caught one, what names the fault; of another, what it said instead
     * @param honest what the same case says of the backend that is right; empty if it passes there
     * @param crashes of one that ends VMs; null for all others
     */
    public record Result(Saboteur saboteur, String caughtBy, String words, String honest,
            @Nullable Crashes crashes) {
        /** Returns whether the kit caught this one, passes the backend that is right, and lost no other case. */
        public boolean caught() {
            return !caughtBy.isEmpty() && honest.isEmpty() && (crashes == null || crashes.lost() == 0);
        }
    }

    /**
     * What crashes of a child VM cost.
     *
     * @param cases how many were to be run
     * @param crashed how many of them ended their VM
     * @param lost how many of the others have no result, or another than that of the backend that is right
     * @param seconds the most that one crash took, from the start of its case until the next child went on
     */
    public record Crashes(int cases, int crashed, int lost, double seconds) {
        private static Crashes of(List<CaseResult> results, List<CaseResult> right) {
            Set<String> ended = results.stream().filter(r -> r.outcome() == Outcome.FAILED)
                    .map(r -> r.kase().name()).collect(Collectors.toSet());
            Map<String, Outcome> outcomes = results.stream()
                    .collect(Collectors.toMap(r -> r.kase().name(), CaseResult::outcome));
            int lost = (int) right.stream().filter(r -> !ended.contains(r.kase().name())
                    && outcomes.get(r.kase().name()) != r.outcome()).count();
            double seconds = results.stream().filter(r -> r.outcome() == Outcome.FAILED)
                    .mapToLong(CaseResult::nanos).max().orElse(0) / 1e9;
            return new Crashes(right.size(), ended.size(), lost, seconds);
        }
    }

    private SelfTest(AttentionBackendProvider right) {
        this.right = right;
    }

    /**
     * Runs the kit on saboteurs.
     *
     * @param right a backend in host memory that conforms
     * @param progress told of each saboteur as it is done with
     * @return one result each, in order
     * @throws IOException if no child VM can be started
     * @throws InterruptedException if the thread is interrupted
     * @throws IllegalArgumentException if the backend does not read host memory, or none is there
     */
    public static List<Result> run(AttentionBackendProvider right, List<Saboteur> saboteurs,
            Consumer<Result> progress) throws IOException, InterruptedException {
        try (Bench bench = new Bench(Subject.of(right), KitOptions.DEFAULT)) {
            if (!bench.session().memorySpace().id().isHost()) {
                throw new IllegalArgumentException("saboteurs spoil what lies in host memory, " + right.id()
                        + " reads " + bench.session().memorySpace().id()
                        + "; take a host backend such as cpu for the self-test");
            }
        }
        SelfTest test = new SelfTest(right);
        List<Result> results = new ArrayList<>();
        for (Saboteur saboteur : saboteurs) {
            Result result = test.examine(saboteur);
            results.add(result);
            progress.accept(result);
        }
        return results;
    }

    /** Returns the rules of the kit that no saboteur breaks. */
    public static Set<String> withoutSaboteur(List<Saboteur> saboteurs) {
        Set<String> rules =
                RuleBook.all().stream().map(Rule::id).collect(Collectors.toCollection(TreeSet::new));
        saboteurs.forEach(saboteur -> rules.remove(saboteur.rule()));
        return rules;
    }

    private Result examine(Saboteur saboteur) throws IOException, InterruptedException {
        KitOptions options =
                saboteur.options().apply(KitOptions.DEFAULT.withRules(saboteur.cases()));
        Subject subject = saboteur.broken().apply(right);
        if (saboteur.rule().equals(Saboteur.VERDICT)) {
            return verdict(saboteur, ConformanceRun.run(subject, options, result -> {}));
        }
        if (saboteur.isolated()) {
            List<CaseResult> results = ChildVm.run(subject, options, result -> {}).results();
            Crashes crashes = Crashes.of(results,
                    ConformanceRun.run(Subject.of(right), options, result -> {}).results());
            return result(saboteur,
                    results.stream().filter(result -> result.outcome() == Outcome.FAILED).toList(), crashes);
        }
        return result(saboteur, untilCaught(saboteur, subject, options), null);
    }

    private Result result(Saboteur saboteur, List<CaseResult> failures, @Nullable Crashes crashes) {
        return failures.stream()
                .filter(failure -> names(saboteur, failure))
                .findFirst()
                .map(caught -> new Result(saboteur, caught.kase().name(), caught.message(),
                        onTheRight(caught), crashes))
                .orElseGet(() -> new Result(saboteur, "", said(failures), "", crashes));
    }

    private static List<CaseResult> untilCaught(Saboteur saboteur, Subject subject, KitOptions options) {
        List<CaseResult> failures = new ArrayList<>();
        try (CaseRunner runner = new CaseRunner(subject, options)) {
            Iterator<ConformanceCase> cases = new CaseSequence(subject, options, RuleBook.all()).iterator();
            while (cases.hasNext()) {
                CaseResult result = runner.run(cases.next());
                if (result.outcome() == Outcome.FAILED) {
                    failures.add(result);
                    if (names(saboteur, result)) {
                        return failures;
                    }
                }
            }
        }
        return failures;
    }

    private static boolean names(Saboteur saboteur, CaseResult failure) {
        return failure.message().startsWith("[" + saboteur.rule() + "]")
                && saboteur.isNamedBy(failure.message());
    }

    private static String said(List<CaseResult> failures) {
        return failures.isEmpty() ? "nothing: every case passed"
                : failures.stream().limit(2).map(f -> f.kase().name() + " " + f.message())
                        .collect(Collectors.joining("; "));
    }

    private static Result verdict(Saboteur saboteur, ConformanceReport report) {
        boolean caught = !report.succeeded() && report.failures().isEmpty()
                && saboteur.isNamedBy(report.verdict());
        return new Result(saboteur, caught ? Saboteur.VERDICT : "", report.verdict(), "", null);
    }

    /** A case that is no case of the right backend, which declares more, says nothing of it. */
    private String onTheRight(CaseResult caught) {
        return honest.computeIfAbsent(caught.kase().name(), this::onTheRight)
                .filter(result -> result.outcome() == Outcome.FAILED)
                .map(CaseResult::message)
                .orElse("");
    }

    private Optional<CaseResult> onTheRight(String name) {
        Subject subject = Subject.of(right);
        KitOptions options = KitOptions.ofCase(name);
        return new CaseSequence(subject, options, RuleBook.all()).derived().stream()
                .filter(kase -> Objects.equals(kase.name(), name))
                .findFirst()
                .map(kase -> {
                    try (Bench bench = new Bench(subject, options)) {
                        return ConformanceRun.run(kase, bench);
                    }
                });
    }
}
