package dev.heddle.conformance.input;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;

/**
 * Puts requests of a batch into other company: the same query rows, pages and values, alone, in another order, or among
 * others.
 *
 * @since 0.1
 */
@Evolving
public final class Company {
    private Company() {}

    /** Returns the requests of a batch that {@code order} names, in that order; one may be named again. */
    public static Request of(Request from, int... order) {
        BatchShape batch = from.batch();
        PageTable pages = batch.pageTable();
        int[] qoIndptr = new int[order.length + 1];
        int[] kvIndptr = new int[order.length + 1];
        int[] lastPageLens = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            qoIndptr[i + 1] = qoIndptr[i] + batch.qoLen(order[i]);
            kvIndptr[i + 1] = kvIndptr[i] + pages.pages(order[i]);
            lastPageLens[i] = pages.kvLastPageLen(order[i]);
        }
        int[] ids = new int[kvIndptr[order.length]];
        int width = from.spec().numQoHeads() * from.spec().headDimQk();
        float[] all = HostTensors.toFloats(from.q());
        float[] rows = new float[qoIndptr[order.length] * width];
        for (int i = 0; i < order.length; i++) {
            for (int p = kvIndptr[i]; p < kvIndptr[i + 1]; p++) {
                ids[p] = pages.kvIndex(pages.kvIndptr(order[i]) + p - kvIndptr[i]);
            }
            System.arraycopy(all, batch.qoIndptr(order[i]) * width, rows, qoIndptr[i] * width,
                    batch.qoLen(order[i]) * width);
        }
        DataType dtype = from.spec().qDtype();
        Tensor q = Tensor.of(HostBuffer.wrap(new byte[rows.length * dtype.byteSize()]), dtype,
                qoIndptr[order.length], from.spec().numQoHeads(), from.spec().headDimQk());
        HostTensors.fill(q, rows);
        PageTable table = PageTable.of(pages.pageSize(), pages.poolPages(), kvIndptr, ids, lastPageLens);
        BatchShape picked = BatchShape.of(qoIndptr, table);
        CustomMask mask = batch.customMask();
        if (mask != null) {
            picked = picked.withMask(CustomMask.of(qoIndptr, table, (i, row, key) -> mask.visible(order[i],
                    row, key, batch.kvLen(order[i]))));
        }
        return new Request(from.spec(), picked, q, from.kv(), from.heads());
    }

    /** Returns the rows of one request of a batch. */
    public static Output rows(Output output, BatchShape batch, int request) {
        return output.rows(batch.qoIndptr(request), batch.qoIndptr(request + 1), batch.totalQoLen());
    }
}
