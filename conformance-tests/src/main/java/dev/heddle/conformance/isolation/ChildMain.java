package dev.heddle.conformance.isolation;

import dev.heddle.conformance.Bench;
import dev.heddle.conformance.Budget;
import dev.heddle.conformance.CaseSequence;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.Deadline;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.Subject;
import dev.heddle.core.Evolving;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;

/**
 * The child's side of {@link ChildVm}: runs the selected cases from one on and writes what happens to a file.
 *
 * @since 0.1
 */
@Evolving
public final class ChildMain {
    private static final int FIXED = 8;

    private ChildMain() {}

    /**
     * Runs cases.
     *
     * @param args file to write, provider's id, provider's class (and for a wrapper, {@code <} and whom it wraps), seed,
     *     fresh seed, budget, folder for compiled kernels or nothing, cases to skip, then globs of rules
     * @throws IOException if the file cannot be written
     * @throws ReflectiveOperationException if the provider cannot be made
     */
    public static void main(String... args) throws IOException, ReflectiveOperationException {
        try (Protocol.Writer events = new Protocol.Writer(Path.of(args[0]))) {
            Budget budget = Budget.parse(args[5]);
            Deadline deadline = new Deadline(budget);
            KitOptions options = KitOptions.DEFAULT.withSeed(Long.parseLong(args[3]))
                    .withFreshSeed(Long.parseLong(args[4]))
                    .withRules(args.length == FIXED ? new String[0]
                            : Arrays.copyOfRange(args, FIXED, args.length))
                    .withBudget(budget)
                    .withCacheDirectory(args[6].isEmpty() ? null : Path.of(args[6]));
            Subject subject = new Subject(args[1], Providers.make(args[2], args[1]));
            events.version(subject.provider());
            CaseSequence sequence = new CaseSequence(subject, options, RuleBook.all());
            events.cases(sequence.derived());
            int skip = Integer.parseInt(args[7]);
            Iterator<ConformanceCase> cases = sequence.iterator();
            for (int i = 0; i < skip && cases.hasNext(); i++) {
                cases.next();
            }
            try (Bench bench = new Bench(subject, options)) {
                while (!deadline.hasPassed() && cases.hasNext()) {
                    ConformanceCase kase = cases.next();
                    events.start(kase);
                    events.result(ConformanceRun.run(kase, bench), bench.device());
                }
                events.done();
            }
        }
        // A backend may leave threads behind that are no daemons; the results are safe by now.
        Runtime.getRuntime().halt(0);
    }
}
