package dev.heddle.core.pool;

import dev.heddle.core.Evolving;
import java.util.List;

/**
 * The outcome of {@link PageSequence#append}.
 *
 * @since 0.1
 */
@Evolving
public sealed interface AppendResult {
    /**
     * The sequence has room for the tokens {@code firstToken .. firstToken + tokens - 1}.
     *
     * @param firstToken the sequence's length before: the position of the first new token
     * @param tokens how many were appended
     * @param firstSlot where in its page the first new token goes: {@code firstToken % pageSize}
     * @param copies pages to copy, in every layer, before anything is written
     * @since 0.1
     */
    record Appended(int firstToken, int tokens, int firstSlot, List<PageCopy> copies)
            implements
            AppendResult {
        /** Copies the list. */
        public Appended {
            copies = List.copyOf(copies);
        }
    }

    /**
     * The pool has too few pages; nothing has changed.
     *
     * @param when whether waiting helps
     * @param neededPages pages that the append would have taken
     * @param freePages pages that could be had, see {@link PagePool#freePages()}
     * @since 0.1
     */
    record Exhausted(Exhaustion when, long neededPages, int freePages) implements AppendResult {}
}
