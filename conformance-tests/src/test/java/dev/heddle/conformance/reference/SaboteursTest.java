package dev.heddle.conformance.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.RuleSummary;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.rules.chapter2.Chapter2;
import dev.heddle.conformance.rules.chapter3.Chapter3;
import dev.heddle.conformance.rules.chapter4.Chapter4;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The kit passes what is right and fails what is wrong, by the right rule. Rules 2.04 and 4.06: see their own tests. */
class SaboteursTest {
    private static final List<Rule> RULES = Stream.of(Chapter2.rules(), Chapter3.rules(), Chapter4.rules())
            .flatMap(List::stream)
            .toList();
    private static final String EVERYTHING = "*"; // a fault that shows wherever numbers are compared

    /** A fault, the rule (or cases of it) that must name it, and the rules that may notice it too. */
    private record Saboteur(String rule, String words, Set<String> also,
            Supplier<AttentionBackendProvider> broken) {
        String number() {
            return rule.substring(0, 4);
        }
    }

    private static Saboteur math(String rule, String words, PlainMath math, String... also) {
        return new Saboteur(rule, words, Set.of(also), () -> new BrokenBackend(math));
    }

    private static Saboteur backend(
            String rule, String words, Supplier<AttentionBackendProvider> broken, String... also) {
        return new Saboteur(rule, words, Set.of(also), broken);
    }

    private static List<Saboteur> saboteurs() {
        return List.of(
                backend("2.01", "must be equal at every call", Faults.ChangingDeclaration::new),
                math("2.02/g6-*", "group 6", new Faults.WrongForOnePair()),
                backend("2.03", "page.size 17 is not declared, yet a plan was made",
                        Faults.MoreThanDeclared::new,
                        "2.01", "2.04"),
                backend("2.05", "must be a pure function", Faults.MoodySupport::new, "2.06"),
                backend("2.06", "explain says supported, but plan fails", Faults.PromisesTooMuch::new),
                backend("2.07", "page size 16 is part of the least profile", Faults.BelowLeastProfile::new),
                math("3.01", "a reference that rounds where the dtype does", new Faults.CoarseSums(), "3.02",
                        "4.02",
                        "4.04", "4.05"),
                math("3.02", "LSE of request", new Faults.BaseTwo(), EVERYTHING),
                math("3.03", "3.03/g9-", new Faults.HeadsInTurns(), "2.02", "3.01"),
                math("3.04", "take the maximum off", new Faults.NoMaximum()),
                math("3.05", "qo_len 9, kv_len 4", new Faults.TopLeft(), "2.02", "4.05"),
                math("3.06", "soft cap 1.5, ALiBi", new Faults.CapAfterBias(), "2.02"),
                math("3.07", "does not reach row", new Faults.NanHidden()),
                math("3.08", "3.08/splits2-", new Faults.LosesSplitEnd()),
                math("3.09", "differ in their bits, though", new Faults.Flickering(), "4.03"),
                math("3.09/batch-invariant*", "and in one of 282", new Faults.SeesTheCrowd()),
                math("3.10", "headscale", new Faults.ScaledTwice(), "2.02"),
                math("4.01", "must be written as zeros", new Faults.SkipsEmpty(), "3.05"),
                math("4.02", "hold no token leaks", new Faults.ReadsWholePages(), "2.02", "3.05"),
                math("4.03", "in other physical pages give other bits", new Faults.PagesDiffer()),
                backend("4.04", "must stay unwritten", Faults.WritesSharedPages::new),
                math("4.05", "kv_len 128", new Faults.LosesPageEnd(), "2.02"),
                math("4.07", "beyond2e31", new Faults.IntOffsets()),
                math("4.08", "strided", new Faults.OverlooksStrides(), "2.02", "4.09"),
                backend("4.09", "guard byte beside out", Faults.WritesPastOut::new),
                backend("4.09", "guard byte beside memory that the backend allocated",
                        Faults.WritesPastWorkspace::new));
    }

    @TestFactory
    Stream<DynamicTest> theRuleCatchesItsSaboteur() {
        return saboteurs().stream()
                .map(s -> DynamicTest.dynamicTest(s.rule() + " " + s.words(), () -> caught(s)));
    }

    private static void caught(Saboteur saboteur) {
        ConformanceReport own = run(saboteur.broken().get(), KitOptions.DEFAULT.withRules(saboteur.rule()));
        assertTrue(
                own.failures().stream()
                        .anyMatch(f -> (f.kase().name() + " " + f.message()).contains(saboteur.words())),
                () -> "no failure says '" + saboteur.words() + "': " + messages(own));
        assertTrue(
                own.failures().stream().allMatch(f -> f.message().startsWith("[" + saboteur.number() + "]")),
                () -> messages(own));
        if (!saboteur.also().contains(EVERYTHING)) {
            ConformanceReport all = run(saboteur.broken().get(), KitOptions.DEFAULT.withBudget(8));
            Set<String> others = all.rules().stream()
                    .filter(r -> r.failed() > 0 && !r.rule().equals(saboteur.number()))
                    .map(RuleSummary::rule)
                    .collect(Collectors.toCollection(TreeSet::new));
            others.removeAll(saboteur.also());
            assertEquals(Set.of(), others, () -> messages(all));
        }
    }

    @Test
    void thePlainBackendConforms() {
        ConformanceReport report = run(new PlainBackend(), KitOptions.DEFAULT.withBudget(40));
        assertEquals(List.of(), report.failures(), () -> messages(report));
        assertTrue(report.numericPassed() > 300, report::verdict);
        assertTrue(report.succeeded(), report::verdict);
        assertEquals(RULES.size(), report.rules().size());
    }

    @Test
    void anotherSeedGivesOtherInputsAndTheSameVerdict() {
        ConformanceReport report = run(new PlainBackend(), KitOptions.DEFAULT.withSeed(7).withBudget(20));
        assertEquals(List.of(), report.failures(), () -> messages(report));
        assertEquals(0, report.count(Outcome.FAILED));
    }

    private static ConformanceReport run(AttentionBackendProvider provider, KitOptions options) {
        return ConformanceRun.run(Subject.of(provider), options, RULES, result -> {});
    }

    private static String messages(ConformanceReport report) {
        return report.failures().stream()
                .limit(8)
                .map((CaseResult f) -> f.kase().name() + " " + f.message())
                .collect(Collectors.joining("\n"));
    }
}
