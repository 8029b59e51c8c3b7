package dev.heddle.conformance.rules.chapter2;

import dev.heddle.conformance.Rule;
import dev.heddle.core.Evolving;
import dev.heddle.core.capability.Capabilities;
import java.util.List;

/**
 * Capabilities: what is declared runs, and what is not is refused.
 *
 * @since 0.1
 */
@Evolving
public final class Chapter2 {
    private Chapter2() {}

    /** Returns the chapter's rules, in order. */
    public static List<Rule> rules() {
        return List.of(
                new ImmutableDeclaration(),
                new EveryValueRuns(),
                new NeighboursRefused(),
                new AllReasonsAtOnce(),
                new PureSupport(),
                new ExplainIsPlan(),
                new LeastProfile());
    }
}
