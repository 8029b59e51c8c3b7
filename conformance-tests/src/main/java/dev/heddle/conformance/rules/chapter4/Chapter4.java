package dev.heddle.conformance.rules.chapter4;

import dev.heddle.conformance.Rule;
import dev.heddle.core.Evolving;
import java.util.List;

/**
 * Page table and edges: what a page table may say, and what lies around it.
 *
 * @since 0.1
 */
@Evolving
public final class Chapter4 {
    private Chapter4() {}

    /** Returns the chapter's rules, in order. */
    public static List<Rule> rules() {
        return List.of(
                new EmptySequences(),
                new NanNeverLeaks(),
                new PermutedPages(),
                new SharedPages(),
                new EdgeLengths(),
                new BadTables(),
                new FarOffsets(),
                new LayoutsAndStrides(),
                new GuardBytes());
    }
}
