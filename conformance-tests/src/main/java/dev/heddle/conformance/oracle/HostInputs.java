package dev.heddle.conformance.oracle;

import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Reads rows of q, K and V as stored, decoded but not scaled. */
final class HostInputs {
    private HostInputs() {}

    /** Returns a row of a head: {@code [head_dim]}. */
    static float[] row(Tensor tensor, long row, long head) {
        MemorySegment segment = HostTensors.segment(tensor.buffer());
        int size = tensor.dtype().byteSize();
        long at = tensor.byteOffset() + size * (row * tensor.stride(0) + head * tensor.stride(1));
        float[] values = new float[(int) tensor.extent(2)];
        HostTensors.get(segment, tensor.dtype(), at, values, 0, values.length, 1);
        return values;
    }

    /** Returns a request's tokens of one KV head: {@code [kv_len][head_dim]}. */
    static float[][] tokens(KvPlane plane, BatchShape batch, int request, int kvHead, int dim) {
        float[][] tokens = new float[batch.kvLen(request)][dim];
        int pageSize = batch.pageTable().pageSize();
        for (int t = 0; t < tokens.length; t++) {
            int page = batch.pageTable().pageOf(request, t);
            MemorySegment segment = HostTensors.segment(plane.segmentOf(page));
            long at = plane.byteOffset(page, t % pageSize, kvHead);
            HostTensors.get(segment, plane.dtype(), at, tokens[t], 0, dim, 1);
        }
        return tokens;
    }

    /** Returns a value of each query head, or 0 where there are none. */
    static float perHead(@Nullable Tensor values, int head) {
        return values == null
                ? 0
                : HostTensors.get(
                        HostTensors.segment(values.buffer()), values.dtype(),
                        values.byteOffset() + 4L * head);
    }
}
