package dev.heddle.conformance.rules.chapter7;

import dev.heddle.conformance.Rule;
import dev.heddle.core.Evolving;
import java.util.List;

/**
 * The rules of chapter 7.
 *
 * @since 0.1
 */
@Evolving
public final class Chapter7 {
    private Chapter7() {}

    /** Returns them by number. */
    public static List<Rule> rules() {
        return List.of(new SameChoice(), new Pinned(), new Quarantine(), new NoneLeft());
    }
}
