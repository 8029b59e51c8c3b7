package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.CaseBody;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PlainPagePool;
import java.util.Arrays;
import java.util.List;

/** What the rules about page pools have in common: whose pool it is, and words for what is wrong. */
abstract class PoolRule implements Rule {
    private final String id;
    private final String claim;

    PoolRule(String id, String claim) {
        this.id = id;
        this.claim = claim;
    }

    @Override
    public final String id() {
        return id;
    }

    @Override
    public final String claim() {
        return claim;
    }

    /** Proves the rule of pools with so many tokens a page. */
    abstract void prove(PagePoolFactory pools, int pageSize, long seed);

    @Override
    public final List<ConformanceCase> cases(Subject subject, KitOptions options) {
        PagePoolFactory pools =
                subject.provider() instanceof PagePoolFactory own ? own : PlainPagePool::new;
        return List.of(1, 4, 16).stream()
                .map(pageSize -> {
                    CaseBody body = kit -> prove(pools, pageSize, kit.seed());
                    return ConformanceCase.plain(id, "pool-p" + pageSize, options, body);
                })
                .toList();
    }

    /** Appends what must fit. */
    static AppendResult.Appended append(PageSequence sequence, int tokens) {
        return switch (sequence.append(tokens)) {
            case AppendResult.Appended appended -> appended;
            case AppendResult.Exhausted exhausted -> throw new ConformanceFailure("an append of " + tokens
                    + " tokens to a sequence of " + sequence.length() + " must fit, got " + exhausted);
        };
    }

    static void require(boolean holds, String otherwise, Object... values) {
        if (!holds) {
            throw new ConformanceFailure(String.format(otherwise, values));
        }
    }

    static void requireEqual(String what, Object expected, Object got) {
        require(expected.equals(got), "%s: %s was expected, got %s", what, expected, got);
    }

    static void requirePages(String what, int[] expected, int[] got) {
        require(Arrays.equals(expected, got), "%s: pages %s were expected, got %s", what,
                Arrays.toString(expected),
                Arrays.toString(got));
    }

    static void requireThrows(Class<? extends RuntimeException> type, String what, Runnable use) {
        try {
            use.run();
        } catch (RuntimeException e) {
            if (type.isInstance(e)) {
                return;
            }
            throw new ConformanceFailure(what + " must throw " + type.getSimpleName() + ", threw " + e, e);
        }
        throw new ConformanceFailure(what + " must throw " + type.getSimpleName() + ", threw nothing");
    }
}
