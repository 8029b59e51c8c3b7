package dev.heddle.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.reference.PlainBackend;
import java.time.Duration;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BudgetTest {
    private static final Subject PLAIN = Subject.of(new PlainBackend());

    @ParameterizedTest
    @ValueSource(strings = {"usual", "all", "60s", "8/rule", "8/rule+100"})
    void textIsReadAndWritten(String text) {
        assertEquals(text, Budget.parse(text).toString());
    }

    @Test
    void timesHaveUnits() {
        assertEquals(Duration.ofMinutes(10), Budget.parse("10m").time());
        assertEquals(Duration.ofHours(1), Budget.parse("1H").time());
        assertEquals(Budget.perRule(8), Budget.parse("8/rule"));
        assertEquals(new Budget(null, 8, 100), Budget.parse("8/rule+100"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "8", "0s", "-3s", "0/rule", "8/rule+", "10 m", "much"})
    void otherTextIsRefusedWithWhatIsAllowed(String text) {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> Budget.parse(text));
        assertTrue(refusal.getMessage().contains("60s, 10m"), refusal::getMessage);
    }

    /** For a test class that chooses none, as a build sets it: {@code mvn -Ddev.heddle.conformance.budget=8/rule}. */
    @Test
    void aSystemPropertySetsTheBudget() {
        assertEquals(Budget.USUAL, KitOptions.ofProperties().budget());
        try {
            System.setProperty(KitOptions.BUDGET_PROPERTY, "8/rule+40");
            assertEquals(new Budget(null, 8, 40), KitOptions.ofProperties().budget());
            System.setProperty(KitOptions.BUDGET_PROPERTY, "little");
            IllegalArgumentException refusal =
                    assertThrows(IllegalArgumentException.class, KitOptions::ofProperties);
            assertTrue(refusal.getMessage().startsWith(
                    "system property dev.heddle.conformance.budget: a budget is usual, all"),
                    refusal::getMessage);
        } finally {
            System.clearProperty(KitOptions.BUDGET_PROPERTY);
        }
    }

    @Test
    void aTimedRunTakesTheRulesInTurn() {
        CaseSequence sequence = new CaseSequence(PLAIN,
                KitOptions.DEFAULT.withBudget(Budget.of(Duration.ofSeconds(1))), RuleBook.all());
        Set<String> rules = new HashSet<>();
        sequence.derived().subList(0, 47).forEach(kase -> rules.add(kase.rule()));
        assertEquals(47, rules.size(), "each rule is asked before any is asked twice");
    }

    @Test
    void randomShapesFollowFromTheFreshSeed() {
        KitOptions options = KitOptions.DEFAULT.withRules("2.02").withBudget(new Budget(null, 1, 3));
        List<String> some = names(options.withFreshSeed(1));
        assertEquals(4, some.size());
        assertTrue(some.getFirst().endsWith("/seed42") && some.getLast().endsWith("/seed1"), some::toString);
        assertEquals(some, names(options.withFreshSeed(1)));
        assertNotEquals(some.getLast(), names(options.withFreshSeed(2)).getLast());
        String random = some.getLast();
        assertEquals(List.of(random), names(KitOptions.ofCase(random)), "by its name alone");
    }

    private static List<String> names(KitOptions options) {
        Iterator<ConformanceCase> cases = new CaseSequence(PLAIN, options, RuleBook.all()).iterator();
        return Stream.iterate(cases, Iterator::hasNext, same -> same)
                .map(same -> same.next().name()).toList();
    }

    @Test
    void aRunThatDidNotReachEveryRuleProvesNothing() {
        ConformanceCase kase = new ConformanceCase("3.01", "3.01/x/seed42", true, kit -> {});
        ConformanceReport cut = new ConformanceReport("plain", "1", null, KitOptions.DEFAULT, Map.of(),
                List.of(new CaseResult(kase, Outcome.PASSED, "", 1, null)), Map.of("3.01", 4, "3.02", 7),
                Map.of());
        assertFalse(cut.succeeded());
        assertTrue(cut.verdict().contains("the budget ended before a case of 3.02"), cut::verdict);
        ConformanceReport reached = new ConformanceReport("plain", "1", null, KitOptions.DEFAULT, Map.of(),
                cut.results(), Map.of("3.01", 4), Map.of());
        assertTrue(reached.succeeded());
        assertTrue(reached.verdict().contains("as far as it was asked")
                && reached.verdict().contains("left out 4"), reached::verdict);
    }
}
