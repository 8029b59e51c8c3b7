package dev.heddle.conformance.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.util.List;

/** Runs one rule on one subject. */
public final class Rules {
    private Rules() {}

    private static ConformanceReport run(Rule rule, AttentionBackendProvider provider) {
        return ConformanceRun.run(
                new Subject(idOf(provider), provider), KitOptions.DEFAULT, List.of(rule), result -> {});
    }

    private static String idOf(AttentionBackendProvider provider) {
        try {
            return provider.id();
        } catch (RuntimeException e) {
            return "silent";
        }
    }

    /** The rule passes, with something proved. */
    public static void assertPasses(Rule rule, AttentionBackendProvider provider) {
        ConformanceReport report = run(rule, provider);
        assertEquals(List.of(), report.failures().stream().map(CaseResult::message).toList());
        assertTrue(report.count(Outcome.PASSED) > 0, "nothing was proved: " + report.results());
    }

    /** The rule fails, and one of its messages has all these words. */
    public static void assertCatches(Rule rule, AttentionBackendProvider provider, String... words) {
        ConformanceReport report = run(rule, provider);
        List<String> messages = report.failures().stream().map(CaseResult::message).toList();
        assertFalse(messages.isEmpty(), "rule " + rule.id() + " did not catch the saboteur");
        assertTrue(
                messages.stream().anyMatch(message -> List.of(words).stream().allMatch(message::contains)),
                () -> "no message has " + List.of(words) + ": " + messages);
        assertTrue(messages.stream().allMatch(message -> message.startsWith("[" + rule.id() + "]")));
    }
}
