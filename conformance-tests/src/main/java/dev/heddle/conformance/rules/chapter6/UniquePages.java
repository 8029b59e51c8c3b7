package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Rule 6.01. */
final class UniquePages extends PoolRule {
    private static final int PAGES = 24;

    UniquePages() {
        super("6.01", "Allocated pages are unique; a double free is an error");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        PagePool pool = pools.newPool(pageSize, PAGES);
        requireEqual("page size", pageSize, pool.pageSize());
        requireEqual("pages", PAGES, pool.totalPages());
        for (int round = 0; round < 3; round++) {
            requireEqual("free pages of an empty pool in round " + round, PAGES, pool.freePages());
            List<PageSequence> sequences = fill(pool);
            requireEqual("free pages of a full pool", 0, pool.freePages());
            for (PageSequence sequence : sequences) {
                sequence.free();
                requireThrows(IllegalStateException.class, "a second free", sequence::free);
                requireThrows(IllegalStateException.class, "an append to a freed sequence",
                        () -> sequence.append(1));
                requireThrows(IllegalStateException.class, "a fork of a freed sequence", sequence::fork);
            }
        }
        requireEqual("free pages after frees and refused second frees", PAGES, pool.freePages());
    }

    private static List<PageSequence> fill(PagePool pool) {
        List<PageSequence> sequences = new ArrayList<>();
        Set<Integer> given = new HashSet<>();
        Set<Long> ids = new HashSet<>();
        for (int pages = 1; given.size() < PAGES; pages++) {
            PageSequence sequence = pool.allocate();
            require(ids.add(sequence.id()), "sequence id %s was given twice", sequence.id());
            append(sequence, Math.min(pages, PAGES - given.size()) * pool.pageSize());
            for (int page : sequence.pages()) {
                require(page >= 0 && page < PAGES, "page id %s is outside 0..%s", page, PAGES - 1);
                require(given.add(page), "page %s was given twice", page);
            }
            sequences.add(sequence);
        }
        return sequences;
    }
}
