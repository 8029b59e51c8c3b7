package dev.heddle.conformance.rules.chapter2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.reference.PlainBackend;
import dev.heddle.core.capability.Support;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The saboteur of rule 2.04: somebody who stops at the first reason. */
class AllReasonsAtOnceTest {
    @Test
    void catchesWhoeverStopsAtTheFirstReason() {
        ConformanceReport report = run(new AllReasonsAtOnce((kit, spec, batch, options) -> Support.of(
                kit.session().support(spec, batch, options).rejections().stream().limit(1).toList())));
        assertFalse(report.failures().isEmpty());
        assertTrue(
                report.failures().stream()
                        .allMatch(f -> f.message().contains("for each of them at once; missing")),
                () -> report.failures().toString());
    }

    @Test
    void passesWhoeverGivesThemAll() {
        assertEquals(List.of(), run(new AllReasonsAtOnce()).failures());
    }

    private static ConformanceReport run(AllReasonsAtOnce rule) {
        return ConformanceRun.run(Subject.of(new PlainBackend()), KitOptions.DEFAULT, List.of(rule),
                result -> {});
    }
}
