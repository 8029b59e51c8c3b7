package dev.heddle.conformance.rules.chapter4;

import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;

/** Turns arrays into a batch; core-api's own way, which the kit's tests replace by worse ones. */
@FunctionalInterface
interface TableMaker {
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
