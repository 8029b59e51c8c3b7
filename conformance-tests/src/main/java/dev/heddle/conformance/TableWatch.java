package dev.heddle.conformance;

import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import java.util.Arrays;

/** A batch's numbers as they were: a backend may get at the arrays behind an immutable table, and must not. */
final class TableWatch {
    private final BatchShape batch;
    private final int[] before;

    TableWatch(BatchShape batch) {
        this.batch = batch;
        this.before = numbers(batch);
    }

    private static int[] numbers(BatchShape batch) {
        PageTable table = batch.pageTable();
        int requests = batch.batchSize();
        int[] all = new int[3 * requests + 2 + table.totalPages()];
        batch.copyQoIndptr(all, 0);
        table.copyKvIndptr(all, requests + 1);
        table.copyKvLastPageLen(all, 2 * requests + 2);
        table.copyKvIndices(all, 3 * requests + 2);
        return all;
    }

    void requireUnchanged(String by) {
        int[] now = numbers(batch);
        int at = Arrays.mismatch(before, now);
        if (at >= 0) {
            throw new ConformanceFailure(
                    by + " changed the batch it was given: " + name(at) + " was " + before[at]
                            + " and is " + now[at]
                            + "; page tables are the caller's and immutable, copy what you change");
        }
    }

    private String name(int at) {
        int requests = batch.batchSize();
        if (at <= requests) {
            return "qo_indptr[" + at + "]";
        } else if (at < 2 * requests + 2) {
            return "kv_indptr[" + (at - requests - 1) + "]";
        }
        return at < 3 * requests + 2 ? "kv_last_page_len[" + (at - 2 * requests - 2) + "]"
                : "kv_indices[" + (at - 3 * requests - 2) + "]";
    }
}
