package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import java.util.Arrays;
import java.util.List;

/** Rule 6.02. */
final class Appends extends PoolRule {
    private static final int PAGES = 40;

    Appends() {
        super("6.02", "Appends cross page borders one token at a time and many at once");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        PagePool pool = pools.newPool(pageSize, PAGES);
        PageSequence single = pool.allocate();
        for (int i = 0; i < 3 * pageSize + 1; i++) {
            step(single, pageSize, 1);
        }
        PageSequence many = pool.allocate();
        for (int tokens : new int[]{0, 1, pageSize, 2 * pageSize - 1, 3 * pageSize + 2, 0, pageSize}) {
            step(many, pageSize, tokens);
        }
        requireThrows(IllegalArgumentException.class, "an append of -1 tokens", () -> many.append(-1));
        var table = pool.toPageTable(List.of(many, single));
        requireEqual("kv_len of request 0 of the page table", many.length(), table.kvLen(0));
        requireEqual("kv_len of request 1 of the page table", single.length(), table.kvLen(1));
        int[] ids = new int[table.totalPages()];
        table.copyKvIndices(ids, 0);
        requirePages("page table, request 0", many.pages(), Arrays.copyOf(ids, many.pages().length));
    }

    private static void step(PageSequence sequence, int pageSize, int tokens) {
        int before = sequence.length();
        int[] pages = sequence.pages();
        AppendResult.Appended appended = append(sequence, tokens);
        String what = "append of " + tokens + " tokens at " + before + " with page size " + pageSize;
        requireEqual(what + ", first token", before, appended.firstToken());
        requireEqual(what + ", tokens", tokens, appended.tokens());
        requireEqual(what + ", first slot", before % pageSize, appended.firstSlot());
        requireEqual(what + ", copies of a sequence that shares nothing", List.of(), appended.copies());
        requireEqual(what + ", length", before + tokens, sequence.length());
        requireEqual(what + ", number of pages", Math.ceilDiv(before + tokens, pageSize),
                sequence.pages().length);
        requirePages(what + ", pages from before", pages, Arrays.copyOf(sequence.pages(), pages.length));
    }
}
