package dev.heddle.conformance.junit;

import dev.heddle.conformance.Bench;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.CaseSequence;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.Deadline;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.core.Evolving;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A backend's proof, as a test class.
 *
 * <pre>{@code
 * class AbacusConformanceTest extends BackendConformance {
 *     @Override protected AttentionBackendProvider provider() { return new AbacusBackend(); }
 * }
 * }</pre>
 *
 * @since 0.1
 */
@Evolving
public abstract class BackendConformance {
    /** For subclasses. */
    protected BackendConformance() {}

    /** Returns the backend to prove. */
    protected abstract AttentionBackendProvider provider();

    /** Returns what to run; the usual budget, or that of {@link KitOptions#BUDGET_PROPERTY}, unless overridden. */
    protected KitOptions options() {
        return KitOptions.ofProperties();
    }

    /** Returns one container for each rule, with one test for each case, and a last test that counts. */
    @TestFactory
    public Stream<DynamicNode> conformance() {
        Subject subject = Subject.of(provider());
        KitOptions options = options();
        Bench bench = new Bench(subject, options);
        AtomicInteger numericPassed = new AtomicInteger();
        Deadline deadline = new Deadline(options.budget());
        Function<List<Rule>, Stream<DynamicTest>> tests = rules -> Stream.iterate(
                new CaseSequence(subject, options, rules).iterator(),
                cases -> !deadline.hasPassed() && cases.hasNext(), cases -> cases)
                .map(Iterator::next)
                .map(kase -> DynamicTest.dynamicTest(kase.name(), () -> prove(kase, bench, numericPassed)));
        List<Rule> selected =
                RuleBook.all().stream().filter(rule -> options.selectsRule(rule.id())).toList();
        List<DynamicNode> nodes = new ArrayList<>();
        if (options.budget().time() != null) {
            nodes.add(DynamicContainer.dynamicContainer("all rules in turn", tests.apply(selected)));
        } else {
            for (Rule rule : selected) {
                nodes.add(DynamicContainer.dynamicContainer(rule.id() + " " + rule.claim(),
                        tests.apply(List.of(rule))));
            }
        }
        if (options.rules().isEmpty()) {
            nodes.add(DynamicTest.dynamicTest("a case that compares numbers passed", () -> {
                if (numericPassed.get() == 0) {
                    throw new ConformanceFailure(
                            subject.id() + " is not proved: no case that compares numbers passed");
                }
            }));
        }
        return nodes.stream().onClose(bench::close);
    }

    private static void prove(ConformanceCase kase, Bench bench, AtomicInteger numericPassed) {
        CaseResult result = ConformanceRun.run(kase, bench);
        Assumptions.assumeTrue(result.outcome() != Outcome.NOT_DECLARED,
                () -> "not declared: " + result.message());
        if (result.outcome() == Outcome.FAILED) {
            throw new ConformanceFailure(
                    result.message() + "; reproduce with KitOptions.ofCase(\"" + kase.name() + "\")");
        }
        if (kase.numeric()) {
            numericPassed.incrementAndGet();
        }
    }
}
