package dev.heddle.conformance.isolation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.Budget;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChildVmTest {
    private static final KitOptions FEW =
            KitOptions.DEFAULT.withRules("3.01", "1.02", "5.05").withBudget(Budget.perRule(6));

    private static List<String> names(List<CaseResult> results) {
        return results.stream().map(r -> r.kase().name()).toList();
    }

    private static List<String> derived(Subject subject, KitOptions options) {
        return ConformanceRun.cases(subject, options, RuleBook.all()).stream()
                .map(ConformanceCase::name)
                .toList();
    }

    @Test
    void aChildGivesTheSameReportAsThisVm() throws Exception {
        Subject subject = Subject.of(new PlainBackend());
        List<CaseResult> progress = new ArrayList<>();
        ConformanceReport child = ChildVm.run(subject, FEW, progress::add);
        ConformanceReport here = ConformanceRun.run(subject, FEW, result -> {});
        assertEquals(names(here.results()), names(child.results()));
        assertEquals(names(child.results()), names(progress));
        assertEquals(here.verdict(), child.verdict());
        assertTrue(child.succeeded(), child.failures().toString());
        assertEquals(here.version(), child.version());
        assertNotNull(child.device());
        for (int i = 0; i < here.results().size(); i++) {
            assertEquals(here.results().get(i).outcome(), child.results().get(i).outcome());
            assertEquals(here.results().get(i).errors(), child.results().get(i).errors());
        }
    }

    @Test
    void aCrashIsAFailedCaseAndTheNextOneStillRuns() throws Exception {
        Subject subject = Subject.of(new HaltingBackend());
        KitOptions options = KitOptions.DEFAULT.withRules("3.01").withBudget(Budget.perRule(5));
        ConformanceReport report = ChildVm.run(subject, options, result -> {});
        assertEquals(derived(subject, options), names(report.results()), "no result is lost");
        List<Outcome> outcomes = report.results().stream().map(CaseResult::outcome).toList();
        // Each child passes one case and dies in its second.
        assertEquals(List.of(Outcome.PASSED, Outcome.FAILED, Outcome.PASSED, Outcome.FAILED, Outcome.PASSED),
                outcomes);
        String message = report.failures().getFirst().message();
        assertTrue(message.contains("exit code " + HaltingBackend.CODE), message);
    }

    @Test
    void aCaseThatHangsIsEndedAndFails() throws Exception {
        Subject subject = Subject.of(new HangingBackend());
        KitOptions options = KitOptions.DEFAULT.withRules("3.01").withBudget(Budget.perRule(1))
                .withCaseLimit(Duration.ofSeconds(4));
        ConformanceReport report = ChildVm.run(subject, options, result -> {});
        assertEquals(derived(subject, options), names(report.results()));
        assertEquals(Outcome.FAILED, report.results().getFirst().outcome());
        assertTrue(report.results().getFirst().message().contains("timed out"), report.results().toString());
    }

    @Test
    void randomShapesAndWrappersRunInAChildToo() throws Exception {
        Subject subject = Subject.of(new Relay(new PlainBackend()));
        KitOptions options = KitOptions.DEFAULT.withRules("2.07").withFreshSeed(3)
                .withBudget(Budget.of(Duration.ofMinutes(2)));
        ConformanceReport report = ChildVm.run(subject, options, result -> {});
        assertTrue(report.succeeded(), report::verdict);
        assertEquals(3, report.results().size());
    }

    @Test
    void aProviderThatNoChildCanMakeIsOneFailureInWords() throws Exception {
        AttentionBackendProvider local = new AttentionBackendProvider() {
            @Override
            public String id() {
                return "local";
            }

            @Override
            public Capabilities capabilities() {
                return new PlainBackend().capabilities();
            }

            @Override
            public AttentionBackend open(BackendContext context) {
                return new PlainBackend().open(context);
            }
        };
        ConformanceReport report = ChildVm.run(Subject.of(local), FEW, result -> {});
        assertEquals(1, report.failures().size());
        String message = report.failures().getFirst().message();
        assertTrue(message.contains(local.getClass().getName()) && message.contains("exit code 1"), message);
    }
}
