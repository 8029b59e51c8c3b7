package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import java.util.List;
import java.util.stream.Stream;

/**
 * One rule of the kit: a claim, and the cases that prove it of a subject.
 *
 * @since 0.1
 */
@Evolving
public interface Rule {
    /** Returns the number: {@code "3.01"}. */
    String id();

    /** Returns what must hold, in one sentence without the number. */
    String claim();

    /**
     * Derives the cases from the subject's declaration. The same declaration and options give the same cases.
     *
     * @return one or more; a single {@link ConformanceCase#notDeclared} where the rule does not apply
     */
    List<ConformanceCase> cases(Subject subject, KitOptions options);

    /**
     * Returns further cases, made one by one as long as somebody asks: random shapes, seeded by the fresh seed.
     * The same declaration and options give the same ones; they may have no end.
     */
    default Stream<ConformanceCase> further(Subject subject, KitOptions options) {
        return Stream.empty();
    }
}
