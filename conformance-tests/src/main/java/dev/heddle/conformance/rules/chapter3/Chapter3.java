package dev.heddle.conformance.rules.chapter3;

import dev.heddle.conformance.Rule;
import dev.heddle.core.Evolving;
import java.util.List;

/**
 * Numerics: right against the oracle, and right where arithmetic is easily wrong.
 *
 * @since 0.1
 */
@Evolving
public final class Chapter3 {
    private Chapter3() {}

    /** Returns the chapter's rules, in order. */
    public static List<Rule> rules() {
        return List.of(
                new ErrorBound(),
                new NaturalLse(),
                new GroupedEqualsRepeated(),
                new ExtremeLogits(),
                new Positions(),
                new LogitModifiers(),
                new NanReaches(),
                new SplitsAndMerges(),
                new DeclaredDeterminism(),
                new QuantisedKv());
    }
}
