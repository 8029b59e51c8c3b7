package dev.heddle.conformance.rules;

import dev.heddle.conformance.Rule;
import dev.heddle.conformance.RuleBook;
import dev.heddle.conformance.rules.chapter1.Chapter1;
import dev.heddle.conformance.rules.chapter2.Chapter2;
import dev.heddle.conformance.rules.chapter3.Chapter3;
import dev.heddle.conformance.rules.chapter4.Chapter4;
import dev.heddle.conformance.rules.chapter5.Chapter5;
import dev.heddle.conformance.rules.chapter6.Chapter6;
import dev.heddle.conformance.rules.chapter7.Chapter7;
import dev.heddle.core.Evolving;
import java.util.List;
import java.util.stream.Stream;

/**
 * The rules of all seven chapters.
 *
 * @since 0.1
 */
@Evolving
public final class AllRules implements RuleBook {
    /** Makes the book. */
    public AllRules() {}

    @Override
    public List<Rule> rules() {
        return Stream.of(
                Chapter1.rules(),
                Chapter2.rules(),
                Chapter3.rules(),
                Chapter4.rules(),
                Chapter5.rules(),
                Chapter6.rules(),
                Chapter7.rules())
                .flatMap(List::stream)
                .toList();
    }
}
