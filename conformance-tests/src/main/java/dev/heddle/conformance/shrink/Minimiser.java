package dev.heddle.conformance.shrink;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.Outcome;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.declared.Shape;
import dev.heddle.core.Evolving;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;

/**
 * Shrinks a failing case in the manner of property-based tests: as long as a smaller declared shape fails too, that one
 * takes its place.
 *
 * @since 0.1
 */
@Evolving
public final class Minimiser {
    /** The most cases run for one failing case. */
    public static final int MOST_TRIES = 400;

    private final Declared declared;
    private final Function<ConformanceCase, CaseResult> runner;

    /**
     * Makes a minimiser.
     *
     * @param declared the subject's declaration
     * @param runner runs a case, here or in a child VM
     */
    public Minimiser(Declared declared, Function<ConformanceCase, CaseResult> runner) {
        this.declared = declared;
        this.runner = runner;
    }

    /** Returns the smallest failing case found; the one given if it is about no shape or nothing smaller fails. */
    public CaseResult minimise(CaseResult failed) {
        CaseResult smallest = failed;
        Set<String> tried = new HashSet<>();
        int tries = 0;
        boolean shrunk = failed.kase().family() != null;
        while (shrunk) {
            shrunk = false;
            for (Shape shape : Smaller.than(smallest.kase().family().shape(), declared)) {
                ConformanceCase candidate = smallest.kase().reshaped(shape);
                if (!tried.add(candidate.name())) {
                    continue;
                }
                if (++tries > MOST_TRIES) {
                    return smallest;
                }
                CaseResult result = runner.apply(candidate);
                if (result.outcome() == Outcome.FAILED) {
                    // What runs in a child VM comes back without its family: keep the case that was asked for.
                    smallest = new CaseResult(candidate, result.outcome(), result.message(), result.nanos(),
                            result.errors());
                    shrunk = true;
                    break;
                }
            }
        }
        return smallest;
    }
}
