package dev.heddle.conformance.rules.chapter5;

import dev.heddle.conformance.Rule;
import dev.heddle.core.Evolving;
import java.util.List;

/**
 * The rules of chapter 5.
 *
 * @since 0.1
 */
@Evolving
public final class Chapter5 {
    private Chapter5() {}

    /** Returns them by number. */
    public static List<Rule> rules() {
        return List.of(new ManyLayers(), new ManyThreads(), new NoAllocation(), new UseAfterClose(),
                new Capture());
    }
}
