package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.PagePoolFactory;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.PagePool;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PrefixMatch;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Rule 6.06. */
final class Evictions extends PoolRule {
    private static final int PAGES = 9;
    private static final int EACH = 2;
    private static final String NAMESPACE = "tenant";

    Evictions() {
        super("6.06", "Eviction takes only pages that nobody references or pins");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        PagePool pool = pools.newPool(pageSize, PAGES);
        int[] idle = prompt(pageSize, 100);
        int[] held = prompt(pageSize, 200);
        int[] pinned = prompt(pageSize, 300);
        publish(pool, idle).free();
        PageSequence holder = publish(pool, held);
        publish(pool, pinned).free();
        PrefixMatch pin = pool.prefixes().match(NAMESPACE, pinned);
        pool.prefixes().pin(pin);
        Set<Integer> untouchable = new HashSet<>();
        for (int[] pages : List.of(holder.pages(), pin.pages())) {
            Arrays.stream(pages).forEach(untouchable::add);
        }
        int free = pool.freePages();
        requireEqual("free pages: all but those referenced or pinned", PAGES - untouchable.size(), free);
        PageSequence greedy = pool.allocate();
        for (int i = 0; i < free; i++) {
            append(greedy, pageSize);
        }
        for (int page : greedy.pages()) {
            require(!untouchable.contains(page), "page %s was taken although it is referenced or pinned",
                    page);
        }
        require(greedy.append(1) instanceof AppendResult.Exhausted,
                "an append took a page although all are referenced or pinned");
        requireEqual("what is left of an idle prefix after all free pages were taken", 0,
                pool.prefixes().match(NAMESPACE, idle).length());
        requireEqual("a pinned prefix", EACH * pageSize, pool.prefixes().match(NAMESPACE, pinned).length());
        requireEqual("a referenced prefix", EACH * pageSize, pool.prefixes().match(NAMESPACE, held).length());
        pool.prefixes().unpin(pin);
        requireThrows(IllegalStateException.class, "a second unpin", () -> pool.prefixes().unpin(pin));
        append(greedy, EACH * pageSize);
        requireEqual("an unpinned prefix after its pages were needed", 0,
                pool.prefixes().match(NAMESPACE, pinned).length());
        requireThrows(IllegalStateException.class, "a sequence on an evicted match",
                () -> pool.allocate(pin));
        greedy.free();
        holder.free();
        requireEqual("free pages after all was freed", PAGES, pool.freePages());
    }

    private static int[] prompt(int pageSize, int first) {
        int[] tokens = new int[EACH * pageSize + 1];
        Arrays.setAll(tokens, i -> first + i);
        return tokens;
    }

    private static PageSequence publish(PagePool pool, int[] tokens) {
        PageSequence sequence = pool.allocate();
        append(sequence, EACH * pool.pageSize());
        pool.prefixes().publish(NAMESPACE, sequence, Arrays.copyOf(tokens, EACH * pool.pageSize()));
        return sequence;
    }
}
