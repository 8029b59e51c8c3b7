package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.Exhaustion;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import java.util.Arrays;

/** Rule 6.07. */
final class Exhausts extends PoolRule {
    private static final int PAGES = 6;

    Exhausts() {
        super("6.07", "Exhaustion says LATER or NEVER and changes nothing");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        PagePool pool = pools.newPool(pageSize, PAGES);
        PageSequence cached = pool.allocate();
        append(cached, pageSize);
        int[] tokens = new int[pageSize + 1];
        Arrays.setAll(tokens, i -> i);
        pool.prefixes().publish("tenant", cached, Arrays.copyOf(tokens, pageSize));
        cached.free();
        PageSequence other = pool.allocate();
        append(other, 2 * pageSize);
        PageSequence sequence = pool.allocate();
        append(sequence, pageSize);
        // 3 of 6 pages are referenced, 1 is only cached
        exhausted(pool, sequence, 4 * pageSize, Exhaustion.LATER);
        exhausted(pool, sequence, 5 * pageSize, Exhaustion.LATER);
        exhausted(pool, sequence, 5 * pageSize + 1, Exhaustion.NEVER);
        exhausted(pool, sequence, Integer.MAX_VALUE - pageSize, Exhaustion.NEVER);
        requireEqual("a cached prefix after refused appends", pageSize,
                pool.prefixes().match("tenant", tokens).length());
        other.free();
        append(sequence, 5 * pageSize);
        requireEqual("free pages once LATER has come", 0, pool.freePages());
    }

    private static void exhausted(PagePool pool, PageSequence sequence, int tokens, Exhaustion when) {
        int free = pool.freePages();
        int cached = pool.prefixes().cachedPages();
        int length = sequence.length();
        int[] pages = sequence.pages();
        String what = "append of " + tokens + " tokens with page size " + pool.pageSize()
                + " to a sequence of " + length
                + " with " + free + " of " + PAGES + " pages free";
        if (sequence.append(tokens) instanceof AppendResult.Exhausted got) {
            requireEqual(what, when, got.when());
            requireEqual(what + ", free pages as told", free, got.freePages());
        } else {
            require(false, "%s must say %s, it took pages", what, when);
        }
        requireEqual(what + ", free pages after", free, pool.freePages());
        requireEqual(what + ", cached pages after", cached, pool.prefixes().cachedPages());
        requireEqual(what + ", length after", length, sequence.length());
        requirePages(what + ", pages after", pages, sequence.pages());
    }
}
