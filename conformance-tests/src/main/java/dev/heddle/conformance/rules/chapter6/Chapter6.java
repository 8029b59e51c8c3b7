package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.Rule;
import dev.heddle.core.Evolving;
import java.util.List;

/**
 * The rules of chapter 6.
 *
 * @since 0.1
 */
@Evolving
public final class Chapter6 {
    private Chapter6() {}

    /** Returns them by number. */
    public static List<Rule> rules() {
        return List.of(
                new UniquePages(),
                new Appends(),
                new Forks(),
                new Truncates(),
                new Prefixes(),
                new Evictions(),
                new Exhausts(),
                new RandomOperations());
    }
}
