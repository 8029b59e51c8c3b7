package dev.heddle.conformance.rules.chapter1;

import dev.heddle.conformance.Rule;
import dev.heddle.core.Evolving;
import java.util.List;

/**
 * The rules of chapter 1.
 *
 * @since 0.1
 */
@Evolving
public final class Chapter1 {
    private Chapter1() {}

    /** Returns them by number. */
    public static List<Rule> rules() {
        return List.of(new Found(), new Describes(), new HidesNone(), new OpenClose());
    }
}
