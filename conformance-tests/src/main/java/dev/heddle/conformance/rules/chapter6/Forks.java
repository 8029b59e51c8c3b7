package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.PageCopy;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import java.util.Arrays;
import java.util.List;

/** Rule 6.03. */
final class Forks extends PoolRule {
    private static final int PAGES = 16;

    Forks() {
        super("6.03", "Fork shares pages; the first write to a shared page copies it");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        PagePool pool = pools.newPool(pageSize, PAGES);
        fullPage(pool);
        requireEqual("free pages after all was freed", PAGES, pool.freePages());
        if (pageSize > 1) {
            partPage(pool);
            requireEqual("free pages after all was freed", PAGES, pool.freePages());
        }
    }

    private static PageSequence forkOf(PagePool pool, PageSequence parent) {
        int free = pool.freePages();
        PageSequence fork = parent.fork();
        requirePages("a fork's pages", parent.pages(), fork.pages());
        requireEqual("a fork's length", parent.length(), fork.length());
        requireEqual("free pages after a fork", free, pool.freePages());
        return fork;
    }

    private static void fullPage(PagePool pool) {
        PageSequence parent = pool.allocate();
        append(parent, 2 * pool.pageSize());
        PageSequence fork = forkOf(pool, parent);
        AppendResult.Appended appended = append(fork, 1);
        requireEqual("copies where the last page is full", List.of(), appended.copies());
        requirePages("whole pages stay shared", parent.pages(), Arrays.copyOf(fork.pages(), 2));
        parent.free();
        requireEqual("free pages while a fork holds them", PAGES - 3, pool.freePages());
        fork.free();
    }

    private static void partPage(PagePool pool) {
        PageSequence parent = pool.allocate();
        append(parent, pool.pageSize() + 1);
        PageSequence fork = forkOf(pool, parent);
        int[] shared = parent.pages();
        AppendResult.Appended appended = append(fork, 1);
        int own = fork.pages()[1];
        require(own != shared[1], "the first write to shared page %s did not copy it", shared[1]);
        requireEqual("copies of the first write to a shared page", List.of(new PageCopy(shared[1], own)),
                appended.copies());
        requireEqual("the whole page stays shared", shared[0], fork.pages()[0]);
        requirePages("the parent's pages", shared, parent.pages());
        requireEqual("copies of the second write", List.of(), append(fork, 0).copies());
        requireEqual("copies of the parent, whose page is its own again", List.of(),
                append(parent, 1).copies());
        requirePages("the parent's pages after its write", shared, parent.pages());
        parent.free();
        fork.free();
    }
}
