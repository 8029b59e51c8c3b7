package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.ffm.DecodeCall;
import dev.heddle.backend.cpu.ffm.ResultCall;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;

/**
 * Single query rows in C from the tensors to the result: a kernel that walks over a whole chunk in one call, and what
 * folds, normalises and writes. Between the two lie states in native memory, {@link #stateFloats} apart.
 */
final class NativeDecode {
    private final AttentionSpec spec;
    private final BatchShape batch;
    private final CpuSchedule schedule;
    private final Bound bound;
    private final int group;
    private final long stateFloats;

    NativeDecode(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, Bound bound) {
        this.spec = spec;
        this.batch = batch;
        this.schedule = schedule;
        this.bound = bound;
        this.group = spec.groupSize();
        this.stateFloats = stateFloats(spec, schedule);
    }

    /** Returns the floats of a state of the most KV heads of a unit. */
    static long stateFloats(AttentionSpec spec, CpuSchedule schedule) {
        return DecodeCall.stateFloats((long) schedule.maxHeads() * spec.groupSize(), spec.headDimVo());
    }

    /** Makes room for the longest chunk of a schedule. */
    static void prepare(Scratch scratch, AttentionSpec spec, BatchShape batch, CpuSchedule schedule) {
        int tokens = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            tokens = Math.max(tokens, schedule.longestChunk(batch.kvLen(i)));
        }
        // Weights of 8 bits are too coarse for a result of 24.
        boolean bf16 = spec.qDtype() == DataType.BF16 && spec.outDtype() == DataType.BF16;
        scratch.call.prepare(spec, tokens, schedule.maxHeads(), bf16);
        scratch.result.prepare(spec, schedule.maxHeads());
        scratch.calledRun = 0; // another plan's
        scratch.states(2 * stateFloats(spec, schedule) * Float.BYTES);
    }

    /** Returns whether kernels in C reach what a run reads: heap arrays move. */
    static boolean reaches(KvCacheView kv) {
        return DecodeCall.reaches(kv.k()) && DecodeCall.reaches(kv.v());
    }

    private long row(int tile) {
        return batch.qoIndptr(schedule.request(tile)) + schedule.firstRow(tile);
    }

    private int heads(int tile, int range) {
        return schedule.headStart(tile, range + 1) - schedule.headStart(tile, range);
    }

    /**
     * Begins a unit: brings queries and scales, unless this worker's last unit had the same.
     *
     * @param run tells runs apart
     */
    void begin(Scratch scratch, int tile, int range, long run) {
        if (scratch.calledRun == run && scratch.calledTile == tile && scratch.calledRange == range) {
            return;
        }
        scratch.calledRun = run;
        scratch.calledTile = tile;
        scratch.calledRange = range;
        DecodeCall call = scratch.call;
        int headFrom = schedule.headStart(tile, range);
        int heads = heads(tile, range);
        Tensor q = bound.q;
        long size = spec.qDtype().byteSize();
        call.queries(HostTensors.segment(q.buffer()),
                q.byteOffset() + (row(tile) * q.stride(0) + (long) headFrom * group * q.stride(1)) * size,
                q.stride(1) * size, heads * group, spec.headDimQk() * size);
        for (int head = 0; head < heads; head++) {
            call.scale(head, RowTransfer.scale(spec, bound, headFrom + head));
        }
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

    /** Computes a chunk, after {@link #begin}; the state goes to an address. */
    void chunk(Scratch scratch, int tile, int range, int chunk, long state) {
        DecodeCall call = scratch.call;
        KvPlane k = bound.kv.k();
        KvPlane v = bound.kv.v();
        call.place(k, v, batch.pageTable(), schedule.request(tile), spec.pageSize(), first(tile, chunk),
                end(tile, chunk), schedule.headStart(tile, range), heads(tile, range));
        if (scratch.nextTile >= 0 && schedule.decodes(scratch.nextTile)) {
            call.placeNext(k, v, batch.pageTable(), schedule.request(scratch.nextTile), spec.pageSize(),
                    first(scratch.nextTile, scratch.nextChunk), end(scratch.nextTile, scratch.nextChunk),
                    schedule.headStart(scratch.nextTile, scratch.nextRange));
        }
        call.run(k, v, state);
    }

    /** Folds the second state of two into the first. */
    void fold(Scratch scratch, int tile, int range, long state) {
        scratch.result.states(state, stateFloats, 2, heads(tile, range));
        scratch.result.fold();
    }

    /** Folds all states into the first and writes out and LSE. */
    void finish(Scratch scratch, int tile, int range, long state, int states) {
        ResultCall result = scratch.result;
        int headFrom = schedule.headStart(tile, range);
        int heads = heads(tile, range);
        int qoHead = headFrom * group;
        int rows = heads * group;
        result.states(state, stateFloats, states, heads);
        for (int head = 0; head < heads; head++) {
            result.scale(head, bound.kv.scales().v(headFrom + head));
        }
        if (bound.heads.sinks() != null) {
            for (int r = 0; r < rows; r++) {
                result.sink(r, Bound.perHead(bound.heads.sinks(), qoHead + r));
            }
        }
        Tensor out = bound.out;
        long size = spec.outDtype().byteSize();
        long row = row(tile);
        result.finish(HostTensors.segment(out.buffer()),
                out.byteOffset() + (row * out.stride(0) + qoHead * out.stride(1)) * size,
                out.stride(1) * size, rows, spec.headDimVo() * size);
        Tensor lse = bound.lse;
        if (lse != null) {
            for (int r = 0; r < rows; r++) {
                long at =
                        lse.byteOffset() + Float.BYTES * (row * lse.stride(0) + (qoHead + r) * lse.stride(1));
                HostTensors.set(HostTensors.segment(lse.buffer()), DataType.F32, at, result.lse(r));
            }
        }
    }
}
