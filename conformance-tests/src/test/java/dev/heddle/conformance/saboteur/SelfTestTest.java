package dev.heddle.conformance.saboteur;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.Budget;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.reference.PlainBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The kit passes what is right and fails what is wrong, by the right rule and in words that name the fault. */
class SelfTestTest {
    private static final int RULES = 47;

    /** {@code -Dheddle.docs=write} rewrites the table in the documentation. */
    private static final boolean WRITE = "write".equals(System.getProperty("heddle.docs"));

    private static final String BEGIN = "<!-- saboteurs -->\n";
    private static final String END = "<!-- end of saboteurs -->\n";

    @TestFactory
    Stream<DynamicTest> theKitCatchesTheSaboteur() {
        return Saboteurs.all().stream().map(saboteur -> DynamicTest.dynamicTest(
                saboteur.rule() + " " + saboteur.name(), () -> {
                    SelfTest.Result result =
                            SelfTest.run(new PlainBackend(), List.of(saboteur), done -> {}).getFirst();
                    assertFalse(result.caughtBy().isEmpty(), () -> "the kit says " + result.words());
                    assertEquals("", result.honest(), "the right backend fails the same case");
                    assertTrue(result.caught());
                }));
    }

    @Test
    void everyRuleHasASaboteur() {
        assertEquals(Set.of(), SelfTest.withoutSaboteur(Saboteurs.all()));
        assertEquals(RULES, Saboteurs.all().stream().map(Saboteur::rule)
                .filter(rule -> !rule.equals(Saboteur.VERDICT)).distinct().count());
    }

    @Test
    void noTwoAreCalledTheSame() {
        Set<String> names = new HashSet<>();
        Saboteurs.all().forEach(saboteur -> assertTrue(names.add(saboteur.name()), saboteur::name));
    }

    /** A kit that says nothing, or something else, has missed the saboteur. */
    @Test
    void whatIsNotCaughtIsReported() throws Exception {
        Saboteur harmless = Saboteur.backend("2.07", "harmless", "nothing", "something", Wrapper::new);
        SelfTest.Result result =
                SelfTest.run(new PlainBackend(), List.of(harmless), done -> {}).getFirst();
        assertFalse(result.caught());
        assertEquals("nothing: every case passed", result.words());

        Saboteur other = Saboteur.backend("2.07", "other", "page size", "something else",
                WrongDeclarations::belowLeastProfile);
        SelfTest.Result said = SelfTest.run(new PlainBackend(), List.of(other), done -> {}).getFirst();
        assertFalse(said.caught());
        assertTrue(said.words().contains("page size 16"), said::words);
    }

    /** What wraps a saboteur around the right backend is not what the kit finds. */
    @Test
    void aWrapperThatDoesNothingConforms() {
        ConformanceReport report = run(new Subject("plain", new Wrapper(new PlainBackend())),
                KitOptions.DEFAULT.withRules("1.04", "3.02", "5.*").withBudget(Budget.perRule(4)));
        assertEquals(List.of(), report.failures(), () -> messages(report));
        assertTrue(report.numericPassed() > 0, report::verdict);
    }

    /** A rule that fails everybody proves nothing by failing a saboteur. */
    @Test
    void aCaseThatFailsTheRightBackendTooCatchesNobody() throws Exception {
        Saboteur any = Saboteur.backend("2.07", "any", "page size", "page size 16", real -> real);
        SelfTest.Result result = SelfTest.run(WrongDeclarations.belowLeastProfile(new PlainBackend()),
                List.of(any), done -> {}).getFirst();
        assertFalse(result.caught());
        assertTrue(result.honest().contains("page size 16"), result::honest);
    }

    @Test
    void patternsTakeAnythingAtAnAsterisk() {
        Saboteur saboteur = Saboteur.backend("3.02", "x", "x", "LSE of * is *; bound (1.0)", real -> real);
        assertTrue(saboteur.isNamedBy("[3.02] LSE of request 1 is 3\n.0; bound (1.0), and more"));
        assertFalse(saboteur.isNamedBy("[3.02] LSE of request 1 is 3.0; bound (100)"));
    }

    @Test
    void aRightBackendThatCapturesConforms() {
        ConformanceReport report = run(new Subject("plain", new Capturing(new PlainBackend(), true)),
                KitOptions.DEFAULT.withRules("5.05"));
        assertEquals(List.of(), report.failures(), () -> messages(report));
        assertEquals(1, report.numericPassed());
    }

    @Test
    void aRightPoolBehindAnotherClassConforms() {
        PagePoolFactory pools = BentPool::new;
        ConformanceReport report = run(
                new Subject("plain", new WrongPools.Bringing(new PlainBackend(), pools)),
                KitOptions.DEFAULT.withRules("6.*"));
        assertEquals(List.of(), report.failures(), () -> messages(report));
    }

    @Test
    void thePlainBackendConforms() {
        ConformanceReport report = run(Subject.of(new PlainBackend()),
                KitOptions.DEFAULT.withBudget(new Budget(null, 30, 60)));
        assertEquals(List.of(), report.failures(), () -> messages(report));
        assertTrue(report.numericPassed() > 300, report::verdict);
        assertTrue(report.succeeded(), report::verdict);
        assertEquals(RULES, report.rules().size());
    }

    @Test
    void anotherSeedGivesOtherInputsAndTheSameVerdict() {
        ConformanceReport report = run(Subject.of(new PlainBackend()),
                KitOptions.DEFAULT.withSeed(7).withRules("2.*", "3.*", "4.*").withBudget(Budget.perRule(12)));
        assertEquals(List.of(), report.failures(), () -> messages(report));
        assertEquals(0, report.count(Outcome.FAILED));
    }

    @Test
    void theDocumentedTableIsTheKits() throws Exception {
        Path file = Path.of("../docs/conformance.md");
        String page = Files.readString(file);
        int from = page.indexOf(BEGIN) + BEGIN.length();
        int to = page.indexOf(END);
        assertTrue(from >= BEGIN.length() && to >= from,
                "the table's marks are missing in docs/conformance.md");
        String table = SaboteurTable.markdown(Saboteurs.all());
        if (WRITE) {
            Files.writeString(file, page.substring(0, from) + table + page.substring(to));
        } else {
            assertEquals(table, page.substring(from, to),
                    "docs/conformance.md is not up to date; run this test with -Dheddle.docs=write");
        }
    }

    private static ConformanceReport run(Subject subject, KitOptions options) {
        return ConformanceRun.run(subject, options, result -> {});
    }

    private static String messages(ConformanceReport report) {
        return report.failures().stream()
                .limit(8)
                .map((CaseResult f) -> f.kase().name() + " " + f.message())
                .collect(Collectors.joining("\n"));
    }
}
