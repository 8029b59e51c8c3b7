package dev.heddle.conformance.house;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;

/**
 * Turns arrays into a batch: rule 4.06.
 *
 * @since 0.1
 */
@Evolving
@FunctionalInterface
public interface TableMaker {
    /** Checks and joins the arrays. */
    BatchShape make(
            int pageSize, int poolPages, int[] kvIndptr, int[] kvIndices, int[] kvLastPageLen,
            int[] qoIndptr);

    /** What callers use. */
    static BatchShape core(
            int pageSize, int poolPages, int[] kvIndptr, int[] kvIndices, int[] kvLastPageLen,
            int[] qoIndptr) {
        return BatchShape.of(qoIndptr, PageTable.of(pageSize, poolPages, kvIndptr, kvIndices, kvLastPageLen));
    }
}
