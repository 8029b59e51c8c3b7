package dev.heddle.conformance;

import dev.heddle.conformance.declared.Shape;
import dev.heddle.core.Evolving;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The selected cases of a run in the order in which they run: what rules derive from the declaration, then random
 * shapes. The same subject and options give the same sequence; only a time in the budget decides where it ends.
 *
 * @since 0.1
 */
@Evolving
public final class CaseSequence {
    private final Subject subject;
    private final KitOptions options;
    private final List<Rule> rules;
    private final List<ConformanceCase> derived;

    /** Derives the cases, without running them. */
    public CaseSequence(Subject subject, KitOptions options, List<Rule> rules) {
        this.subject = subject;
        this.options = options;
        this.rules = rules.stream().filter(rule -> options.selectsRule(rule.id())).toList();
        List<ConformanceCase> cases = new ArrayList<>();
        for (Rule rule : this.rules) {
            cases.addAll(of(rule));
        }
        this.derived = options.budget().time() == null ? List.copyOf(cases) : inTurn(cases);
    }

    /** Returns what the rules derive. */
    public List<ConformanceCase> derived() {
        return derived;
    }

    /** Returns every case: the derived ones, then further ones as long as the budget has some and somebody asks. */
    public Iterator<ConformanceCase> iterator() {
        return new Iterator<>() {
            private final Iterator<ConformanceCase> first = derived.iterator();
            private final Deque<Iterator<ConformanceCase>> further = new ArrayDeque<>();
            private int left = options.selectsCases() ? 0 : options.budget().randomShapes();
            private final @Nullable Duration time = options.budget().randomTime();
            private long started;

            @Override
            public boolean hasNext() {
                if (first.hasNext()) {
                    return true;
                }
                if (started == 0) {
                    started = System.nanoTime() | 1;
                    rules.forEach(rule -> further.add(furtherOf(rule)));
                }
                boolean late = time != null && System.nanoTime() - started > time.toNanos();
                while (left > 0 && !late && !further.isEmpty()) {
                    if (further.getFirst().hasNext()) {
                        return true;
                    }
                    further.removeFirst();
                }
                return false;
            }

            @Override
            public ConformanceCase next() {
                if (first.hasNext()) {
                    return first.next();
                }
                if (left == 0 || (further.isEmpty() && !hasNext())) {
                    throw new NoSuchElementException();
                }
                left--;
                Iterator<ConformanceCase> rule = further.removeFirst(); // each rule in its turn
                further.addLast(rule);
                return rule.next();
            }
        };
    }

    private List<ConformanceCase> of(Rule rule) {
        List<ConformanceCase> all;
        try {
            all = rule.cases(subject, options);
        } catch (RuntimeException | LinkageError | AssertionError e) {
            // A declaration that cannot be read is the subject's failure; the other rules still run.
            all = List.of(ConformanceCase.plain(rule.id(), "cases", options, kit -> {
                throw new ConformanceFailure("the cases cannot be derived from the declaration: " + e, e);
            }));
        }
        List<ConformanceCase> selected = new ArrayList<>(
                all.stream().limit(options.budget().perRule()).filter(options::selects).toList());
        for (String name : options.namedCases()) {
            if (name.startsWith(rule.id() + "/") && all.stream().noneMatch(c -> c.name().equals(name))) {
                spelt(all, name).ifPresent(selected::add);
            }
        }
        return selected;
    }

    private Iterator<ConformanceCase> furtherOf(Rule rule) {
        try {
            return rule.further(subject, options).iterator();
        } catch (RuntimeException | LinkageError | AssertionError e) {
            return List.<ConformanceCase>of().iterator(); // its derived case has said so
        }
    }

    /** Returns the case of a name that spells out a shape: a random one, or the smallest that fails. */
    private static Optional<ConformanceCase> spelt(List<ConformanceCase> derived, String name) {
        String shape = name.substring(name.indexOf('/') + 1, name.lastIndexOf('/'));
        return derived.stream()
                .filter(c -> c.family() != null && shape.startsWith(c.family().prefix()))
                .max(Comparator.comparingInt(c -> c.family().prefix().length()))
                .flatMap(kase -> reshaped(kase, shape.substring(kase.family().prefix().length())));
    }

    private static Optional<ConformanceCase> reshaped(ConformanceCase kase, String shape) {
        try {
            return Optional.of(
                    kase.reshaped(Shape.parse(shape, kase.family().shape().spec().accuracy())));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // no such case
        }
    }

    /** One case of each rule, then the next of each: whenever time runs out, every rule has had its share. */
    private static List<ConformanceCase> inTurn(List<ConformanceCase> cases) {
        Map<String, Integer> counts = new HashMap<>();
        cases.forEach(kase -> counts.merge(kase.rule(), 1, Integer::sum));
        Map<String, Integer> next = new HashMap<>();
        record Place(ConformanceCase kase, double share) {}
        return cases.stream()
                .map(kase -> new Place(kase,
                        (next.merge(kase.rule(), 1, Integer::sum) - 1.0) / counts.get(kase.rule())))
                .sorted(Comparator.comparingDouble(Place::share))
                .map(Place::kase)
                .toList();
    }
}
