package dev.heddle.backend.cpu;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;

/** Takes requests out of a batch: the same pages and query rows in another company or order. */
final class Batches {
    private Batches() {}

    /** Returns the requests of a batch without a mask that {@code order} names, in that order. */
    static Request pick(Request from, int... order) {
        BatchShape batch = from.batch();
        PageTable pages = batch.pageTable();
        int[] qoIndptr = new int[order.length + 1];
        int[] kvIndptr = new int[order.length + 1];
        int[] lastPageLens = new int[order.length];
        int[] ids = new int[0];
        int width = from.spec().numQoHeads() * from.spec().headDimQk();
        float[] all = HostTensors.toFloats(from.q());
        float[] rows = new float[0];
        for (int i = 0; i < order.length; i++) {
            int request = order[i];
            qoIndptr[i + 1] = qoIndptr[i] + batch.qoLen(request);
            kvIndptr[i + 1] = kvIndptr[i] + pages.pages(request);
            lastPageLens[i] = pages.kvLastPageLen(request);
            ids = Arrays.copyOf(ids, kvIndptr[i + 1]);
            for (int p = 0; p < pages.pages(request); p++) {
                ids[kvIndptr[i] + p] = pages.kvIndex(pages.kvIndptr(request) + p);
            }
            rows = Arrays.copyOf(rows, qoIndptr[i + 1] * width);
            System.arraycopy(all, batch.qoIndptr(request) * width, rows, qoIndptr[i] * width,
                    batch.qoLen(request) * width);
        }
        DataType dtype = from.spec().qDtype();
        Tensor q = Tensor.of(HostBuffer.wrap(new byte[rows.length * dtype.byteSize()]), dtype,
                qoIndptr[order.length], from.spec().numQoHeads(), from.spec().headDimQk());
        HostTensors.fill(q, rows);
        PageTable picked = PageTable.of(pages.pageSize(), pages.poolPages(), kvIndptr, ids, lastPageLens);
        return new Request(from.spec(), BatchShape.of(qoIndptr, picked), q, from.kv(), from.heads());
    }

    /** Returns the rows of one request of a batch. */
    static Output rows(Output output, BatchShape batch, int request) {
        return output.rows(batch.qoIndptr(request), batch.qoIndptr(request + 1), batch.totalQoLen());
    }
}
