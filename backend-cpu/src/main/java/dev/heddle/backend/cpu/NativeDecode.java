package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.ffm.DecodeCall;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Single query rows by the kernel in C, which walks over a whole chunk in one call. */
final class NativeDecode implements SingleRow {
    private final AttentionSpec spec;
    private final BatchShape batch;
    private final CpuSchedule schedule;
    private final Bound bound;
    private final int group;
    private final int dimQk;
    private final int dimVo;

    NativeDecode(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, Bound bound) {
        this.spec = spec;
        this.batch = batch;
        this.schedule = schedule;
        this.bound = bound;
        this.group = spec.groupSize();
        this.dimQk = Scratch.padded(spec.headDimQk());
        this.dimVo = Scratch.padded(spec.headDimVo());
    }

    /** Makes room for the longest chunk of a schedule. */
    static void prepare(DecodeCall call, AttentionSpec spec, BatchShape batch, CpuSchedule schedule) {
        int tokens = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            tokens = Math.max(tokens, schedule.longestChunk(batch.kvLen(i)));
        }
        // Weights of 8 bits are too coarse for a result of 24.
        boolean bf16 = spec.qDtype() == DataType.BF16 && spec.outDtype() == DataType.BF16;
        call.prepare(spec, tokens, schedule.maxHeads(), bf16);
    }

    @Override
    public boolean wantsScaledQueries() {
        return false; // bf16 queries must stay bf16
    }

    @Override
    public void arrange(float[] row, float[] to, int at) {
        System.arraycopy(row, 0, to, at, dimQk);
    }

    @Override
    public void restore(float[] state, int at, float[] to) {
        System.arraycopy(state, at, to, 0, dimVo);
    }

    private int first(int tile, int chunk) {
        int request = schedule.request(tile);
        return Math.max(schedule.chunkStart(chunk, batch.kvLen(request)),
                schedule.firstVisible(request, schedule.firstRow(tile)));
    }

    private int end(int tile, int chunk) {
        int request = schedule.request(tile);
        int kvLen = batch.kvLen(request);
        return Math.min(Math.min(schedule.chunkStart(chunk + 1, kvLen), kvLen),
                schedule.lastVisible(request, schedule.firstRow(tile)) + 1);
    }

    @Override
    public void chunk(Scratch scratch, int tile, int headFrom, int headTo, int chunk) {
        DecodeCall call = scratch.call;
        int request = schedule.request(tile);
        int first = first(tile, chunk);
        int end = end(tile, chunk);
        int heads = headTo - headFrom;
        int rows = heads * group;
        MemorySegment q = call.q();
        long rowBytes = (long) spec.headDimQk() * Float.BYTES;
        for (int r = 0; r < rows; r++) {
            MemorySegment.copy(scratch.q, r * dimQk, q, ValueLayout.JAVA_FLOAT, r * rowBytes,
                    spec.headDimQk());
        }
        for (int head = 0; head < heads; head++) {
            call.scale().setAtIndex(ValueLayout.JAVA_FLOAT, head,
                    RowTransfer.scale(spec, bound, headFrom + head));
        }
        KvPlane k = bound.kv.k();
        KvPlane v = bound.kv.v();
        call.place(k, v, batch.pageTable(), request, spec.pageSize(), first, end, headFrom, heads);
        if (scratch.nextTile >= 0 && schedule.decodes(scratch.nextTile)) {
            call.placeNext(k, v, batch.pageTable(), schedule.request(scratch.nextTile), spec.pageSize(),
                    first(scratch.nextTile, scratch.nextChunk), end(scratch.nextTile, scratch.nextChunk),
                    schedule.headStart(scratch.nextTile, scratch.nextRange));
        }
        call.run(k, v);
        MemorySegment acc = call.acc();
        long accBytes = (long) spec.headDimVo() * Float.BYTES;
        int maxAt = rows * dimVo;
        int sumAt = maxAt + rows;
        for (int r = 0; r < rows; r++) {
            MemorySegment.copy(acc, ValueLayout.JAVA_FLOAT, r * accBytes, scratch.chunk, r * dimVo,
                    spec.headDimVo());
            float max = call.max(r);
            float sum = call.sum(r);
            scratch.chunk[maxAt + r] =
                    max == DecodeCall.LOWEST && sum == 0 ? Float.NEGATIVE_INFINITY : max;
            scratch.chunk[sumAt + r] = sum;
        }
    }
}
