package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.NativeBlock;
import dev.heddle.backend.opencl.device.OpenClBuffer;
import dev.heddle.backend.opencl.device.OpenClKernel;
import dev.heddle.backend.opencl.device.OpenClQueue;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Puts arguments into the kernels' places, which are those of common.cl and merge.cl. Allocates nothing. */
final class Launch implements AutoCloseable {
    private static final int Q = 0;
    private static final int OUT = 1;
    private static final int LSE = 2;
    private static final int SINKS = 3;
    private static final int SLOPES = 4;
    private static final int UNITS = 5;
    private static final int PAGES = 6;
    private static final int PARTIALS = 7;
    private static final int SCALES = 8;
    private static final int PARAMS = 9;
    private static final int SEGMENTS = 10;

    private static final int MERGE_OUT = 0;
    private static final int MERGE_LSE = 1;
    private static final int MERGE_SINKS = 2;
    private static final int MERGE_TABLE = 3;
    private static final int MERGE_PARTIALS = 4;
    private static final int MERGE_SCALES = 5;
    private static final int MERGE_PARAMS = 6;
    private static final int MERGES_AT = 7;
    private static final int TILE_ROWS = 8;
    private static final int D_VO = 9;

    private static final int MERGES_AT_BYTE = 0; // of the numbers below
    private static final int TILE_ROWS_BYTE = 4;
    private static final int D_VO_BYTE = 8;
    private static final int D_QK_BYTE = 12;
    private static final int NUMBERS_BYTES = 16;

    private final KernelShape shape;
    private final NativeBlock numbers = new NativeBlock(NUMBERS_BYTES);

    Launch(KernelShape shape) {
        this.shape = shape;
        numbers.put(TILE_ROWS_BYTE, shape.rows());
        numbers.put(D_VO_BYTE, shape.dimVo());
        numbers.put(D_QK_BYTE, shape.dimQk());
    }

    /** Launches attention on a table of zeros. */
    void noAttention(OpenClKernel attention, OpenClBuffer zeroTable, OpenClQueue queue) {
        for (int i = Q; i <= SCALES; i++) {
            attention.setBuffer(i, zeroTable);
        }
        for (int i = 0; i < 2 * shape.segments(); i++) {
            attention.setBuffer(SEGMENTS + i, zeroTable);
        }
        try (Arena zeros = Arena.ofConfined()) {
            attention.setBytes(PARAMS, zeros.allocate(ParamsBlock.BYTES, Long.BYTES).address(),
                    ParamsBlock.BYTES);
        }
        headDims(attention);
        attention.launch(queue, 1, shape.tile().groupSize());
    }

    /** Launches a merge on a table of zeros. */
    static void noMerge(OpenClKernel merge, OpenClBuffer zeroTable, OpenClQueue queue) {
        for (int i = MERGE_OUT; i <= MERGE_SCALES; i++) {
            merge.setBuffer(i, zeroTable);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(ParamsBlock.BYTES, Long.BYTES);
            merge.setBytes(MERGE_PARAMS, zeros.address(), ParamsBlock.BYTES);
            for (int i = MERGES_AT; i <= D_VO; i++) {
                merge.setBytes(i, zeros.address(), Integer.BYTES);
            }
        }
        merge.launch(queue, 1, 1);
    }

    /** Launches the attention of all units. */
    void attention(OpenClKernel kernel, Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse,
            @Nullable Tensor sinks, @Nullable Tensor slopes, PlanMemory memory, OpenClBuffer scales,
            long params,
            int units, OpenClQueue queue) {
        kernel.setBuffer(Q, (OpenClBuffer) q.buffer());
        kernel.setBuffer(OUT, (OpenClBuffer) out.buffer());
        kernel.setBuffer(LSE, orNone(lse, memory));
        kernel.setBuffer(SINKS, orNone(sinks, memory));
        kernel.setBuffer(SLOPES, orNone(slopes, memory));
        kernel.setBuffer(UNITS, memory.table());
        kernel.setBuffer(PAGES, memory.table());
        kernel.setBuffer(PARTIALS, memory.partials());
        kernel.setBuffer(SCALES, scales);
        kernel.setBytes(PARAMS, params, ParamsBlock.BYTES);
        List<Buffer> k = kv.k().segments();
        List<Buffer> v = kv.v().segments();
        for (int i = 0; i < shape.segments(); i++) {
            int which = Math.min(i, k.size() - 1); // places that no page leads to need something, too
            kernel.setBuffer(SEGMENTS + 2 * i, (OpenClBuffer) k.get(which));
            kernel.setBuffer(SEGMENTS + 2 * i + 1, (OpenClBuffer) v.get(which));
        }
        headDims(kernel);
        kernel.launch(queue, units, shape.tile().groupSize());
    }

    /** The kernel of processors takes head dims as arguments, after the buffers. */
    private void headDims(OpenClKernel kernel) {
        if (!shape.tile().shared()) {
            int at = SEGMENTS + 2 * shape.segments();
            kernel.setBytes(at, numbers.address() + D_QK_BYTE, Integer.BYTES);
            kernel.setBytes(at + 1, numbers.address() + D_VO_BYTE, Integer.BYTES);
        }
    }

    /** Launches the merge of all rows that were cut. */
    void merge(OpenClKernel kernel, Tensor out, @Nullable Tensor lse, @Nullable Tensor sinks,
            PlanMemory memory,
            OpenClBuffer scales, long params, int merges, OpenClQueue queue) {
        numbers.put(MERGES_AT_BYTE, memory.mergesAt());
        kernel.setBuffer(MERGE_OUT, (OpenClBuffer) out.buffer());
        kernel.setBuffer(MERGE_LSE, orNone(lse, memory));
        kernel.setBuffer(MERGE_SINKS, orNone(sinks, memory));
        kernel.setBuffer(MERGE_TABLE, memory.table());
        kernel.setBuffer(MERGE_PARTIALS, memory.partials());
        kernel.setBuffer(MERGE_SCALES, scales);
        kernel.setBytes(MERGE_PARAMS, params, ParamsBlock.BYTES);
        kernel.setBytes(MERGES_AT, numbers.address() + MERGES_AT_BYTE, Integer.BYTES);
        kernel.setBytes(TILE_ROWS, numbers.address() + TILE_ROWS_BYTE, Integer.BYTES);
        kernel.setBytes(D_VO, numbers.address() + D_VO_BYTE, Integer.BYTES);
        kernel.launch(queue, merges, shape.tile().mergeSize());
    }

    /** What is not there is never looked at, but its place wants a buffer. */
    private static OpenClBuffer orNone(@Nullable Tensor tensor, PlanMemory memory) {
        return tensor == null ? memory.table() : (OpenClBuffer) tensor.buffer();
    }

    @Override
    public void close() {
        numbers.close();
    }
}
