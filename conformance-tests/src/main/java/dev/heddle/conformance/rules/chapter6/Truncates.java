package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import java.util.Arrays;

/** Rule 6.04. */
final class Truncates extends PoolRule {
    private static final int PAGES = 8;
    private static final int HELD = 5;

    Truncates() {
        super("6.04", "Truncate returns exactly the pages past the new length");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        for (int newLength = 0; newLength <= HELD * pageSize; newLength++) {
            PagePool pool = pools.newPool(pageSize, PAGES);
            PageSequence sequence = pool.allocate();
            append(sequence, HELD * pageSize);
            int[] pages = sequence.pages();
            int kept = Math.ceilDiv(newLength, pageSize);
            String what =
                    "truncate from " + HELD * pageSize + " to " + newLength + " with page size " + pageSize;
            requirePages(what, Arrays.copyOfRange(pages, kept, HELD), sequence.truncate(newLength));
            requirePages(what + ", what is kept", Arrays.copyOf(pages, kept), sequence.pages());
            requireEqual(what + ", length", newLength, sequence.length());
            requireEqual(what + ", free pages", PAGES - kept, pool.freePages());
        }
        shared(pools.newPool(pageSize, PAGES));
    }

    private static void shared(PagePool pool) {
        PageSequence parent = pool.allocate();
        append(parent, HELD * pool.pageSize());
        PageSequence fork = parent.fork();
        fork.truncate(pool.pageSize());
        requireEqual("free pages after truncating a fork, whose parent still has them", PAGES - HELD,
                pool.freePages());
        requireEqual("the parent's length", HELD * pool.pageSize(), parent.length());
        int tooLong = fork.length() + 1;
        requireThrows(IllegalArgumentException.class, "truncate to more than the length",
                () -> fork.truncate(tooLong));
        requireThrows(IllegalArgumentException.class, "truncate to -1", () -> fork.truncate(-1));
    }
}
