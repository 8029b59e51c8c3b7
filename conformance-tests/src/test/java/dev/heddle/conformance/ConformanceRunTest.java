package dev.heddle.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.reference.PlainBackend;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConformanceRunTest {
    private static final Subject PLAIN = Subject.of(new PlainBackend());

    private record TestRule(String id, CaseBody body, boolean numeric) implements Rule {
        @Override
        public String claim() {
            return "a claim";
        }

        @Override
        public List<ConformanceCase> cases(Subject subject, KitOptions options) {
            return List.of(
                    new ConformanceCase(id, id + "/one/seed" + options.seed(), numeric, body),
                    new ConformanceCase(id, id + "/two/seed" + options.seed(), numeric, body));
        }
    }

    private static ConformanceReport run(KitOptions options, Rule... rules) {
        return ConformanceRun.run(PLAIN, options, List.of(rules), result -> {});
    }

    @Test
    void aRunThatProvesNothingNumericFails() {
        ConformanceReport report = run(KitOptions.DEFAULT, new TestRule("9.01", kit -> {}, false));
        assertEquals(2, report.count(Outcome.PASSED));
        assertFalse(report.succeeded());
        assertEquals(
                "plain is not proved: no case that compares numbers passed; 2 cases: 2 passed (0 numeric),"
                        + " 0 failed, 0 not declared",
                report.verdict());
    }

    @Test
    void aRunOfNothingFails() {
        assertFalse(
                run(KitOptions.DEFAULT.withRules("8.*"), new TestRule("9.01", kit -> {}, true)).succeeded());
    }

    @Test
    void aFailureNamesItsRule() {
        ConformanceReport report = run(KitOptions.DEFAULT, new TestRule("9.01", kit -> {
            throw new ConformanceFailure("it is wrong");
        }, true));
        assertEquals("[9.01] it is wrong", report.failures().getFirst().message());
        assertFalse(report.succeeded());
    }

    @Test
    void whatABodyThrowsIsAFailedCaseAndTheRunGoesOn() {
        ConformanceReport report = run(KitOptions.DEFAULT, new TestRule("9.01", kit -> {
            throw new ArithmeticException("by zero");
        }, true), new TestRule("9.02", kit -> {}, true));
        assertEquals(2, report.count(Outcome.FAILED));
        assertEquals(2, report.numericPassed());
        assertTrue(report.failures().getFirst().message().contains("by zero"));
    }

    @Test
    void oneCaseIsReproducedByItsName() {
        KitOptions options = KitOptions.ofCase("9.01/two/seed77");
        ConformanceReport report =
                run(options, new TestRule("9.01", kit -> {}, true), new TestRule("9.02", kit -> {}, true));
        assertEquals(77, options.seed());
        assertEquals(List.of("9.01/two/seed77"),
                report.results().stream().map(r -> r.kase().name()).toList());
        assertTrue(report.succeeded());
        assertThrows(IllegalArgumentException.class, () -> KitOptions.ofCase("9.01/two"));
    }

    @Test
    void notDeclaredIsNeitherPassedNorFailed() {
        ConformanceReport report = run(KitOptions.DEFAULT, new TestRule("9.01", kit -> {
            throw new NotDeclaredException("no such feature");
        }, true));
        assertEquals(new RuleSummary("9.01", "a claim", 0, 0, 2), report.rules().getFirst());
        assertFalse(report.succeeded());
    }

    @Test
    void globsSelectRules() {
        KitOptions options = KitOptions.DEFAULT.withRules("3.*", "4.06");
        assertTrue(options.selectsRule("3.10"));
        assertTrue(options.selectsRule("4.06"));
        assertFalse(options.selectsRule("4.07"));
        assertFalse(options.selectsRule("13.01"));
    }
}
