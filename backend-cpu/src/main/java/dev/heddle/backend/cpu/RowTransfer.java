package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Brings query rows into scratch and results out of it. */
final class RowTransfer {
    private static final double LOG2_E = 1 / Partials.LN2;

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final CpuSchedule schedule;
    private final InnerLoops loops;
    private final @Nullable DecodeKernel decode;
    private final Bound bound;
    private final int group;
    private final int dimQk;
    private final int dimVo;

    RowTransfer(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, InnerLoops loops,
            @Nullable DecodeKernel decode, Bound bound) {
        this.spec = spec;
        this.batch = batch;
        this.schedule = schedule;
        this.loops = loops;
        this.decode = decode;
        this.bound = bound;
        this.group = spec.groupSize();
        this.dimQk = Scratch.padded(spec.headDimQk());
        this.dimVo = Scratch.padded(spec.headDimVo());
    }

    /** Widens queries, in the order that the tile's kernel wants, scaled so that scores are in units of log2. */
    void load(Scratch scratch, int tile, int headFrom, int headTo) {
        Tensor q = bound.q;
        MemorySegment segment = HostTensors.segment(q.buffer());
        int size = spec.qDtype().byteSize();
        long firstRow = batch.qoIndptr(schedule.request(tile)) + schedule.firstRow(tile);
        int dim = spec.headDimQk();
        boolean arranged = schedule.decodes(tile);
        int at = 0;
        for (int kvHead = headFrom; kvHead < headTo; kvHead++) {
            boolean scaled = arranged || bound.many.wantsScaledQueries();
            float scale = scaled ? scale(spec, bound, kvHead) : 1;
            for (int query = 0; query < schedule.rows(tile); query++) {
                for (int head = 0; head < group; head++, at += dimQk) {
                    long element =
                            (firstRow + query) * q.stride(0) + (long) (kvHead * group + head) * q.stride(1);
                    float[] target = arranged ? scratch.row : scratch.q;
                    int to = arranged ? 0 : at;
                    loops.widen(segment, q.byteOffset() + element * size, spec.qDtype(), target, to, dim,
                            scratch.halves);
                    for (int d = dim; d < dimQk; d++) {
                        target[to + d] = 0; // other plans used this scratch before
                    }
                    loops.scale(target, to, dimQk, scale);
                    if (arranged) {
                        decode.arrange(scratch.row, scratch.q, at);
                    }
                }
            }
        }
    }

    /** Returns what makes a score, in units of log2, of q·k with a KV head. */
    static float scale(AttentionSpec spec, Bound bound, int kvHead) {
        return (float) (spec.smScale() * LOG2_E * bound.kv.scales().k(kvHead));
    }

    /** Normalises the state in {@code scratch.total} and writes out and LSE. */
    void store(Scratch scratch, int tile, int headFrom, int headTo) {
        int queries = schedule.rows(tile);
        int rows = (headTo - headFrom) * queries * group;
        int maxAt = rows * dimVo;
        int sumAt = maxAt + rows;
        long firstRow = batch.qoIndptr(schedule.request(tile)) + schedule.firstRow(tile);
        for (int r = 0; r < rows; r++) {
            int kvHead = headFrom + r / (queries * group);
            int qoHead = kvHead * group + r % group;
            long row = firstRow + r / group % queries;
            double max = scratch.total[maxAt + r] * Partials.LN2;
            double sum = scratch.total[sumAt + r];
            double weight = 1;
            if (bound.heads.sinks() != null) {
                double sink = Bound.perHead(bound.heads.sinks(), qoHead);
                double top = Math.max(max, sink);
                weight = max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(max - top);
                sum = sum * weight + (sink == Double.NEGATIVE_INFINITY ? 0 : Math.exp(sink - top));
                max = top;
            }
            double factor = sum == 0 ? 0 : weight * bound.kv.scales().v(kvHead) / sum;
            write(scratch, r * dimVo, schedule.decodes(tile), (float) factor, row, qoHead);
            if (bound.lse != null) {
                Tensor lse = bound.lse;
                long at = lse.byteOffset() + Float.BYTES * (row * lse.stride(0) + qoHead * lse.stride(1));
                HostTensors.set(HostTensors.segment(lse.buffer()), DataType.F32, at,
                        sum == 0 ? Float.NEGATIVE_INFINITY : (float) (max + Math.log(sum)));
            }
        }
    }

    private void write(Scratch scratch, int at, boolean arranged, float factor, long row, int qoHead) {
        if (arranged) {
            decode.restore(scratch.total, at, scratch.row);
        } else {
            System.arraycopy(scratch.total, at, scratch.row, 0, dimVo);
        }
        loops.scale(scratch.row, 0, dimVo, factor);
        Tensor out = bound.out;
        long element = row * out.stride(0) + qoHead * out.stride(1);
        loops.store(scratch.row, 0, spec.headDimVo(), HostTensors.segment(out.buffer()),
                out.byteOffset() + element * spec.outDtype().byteSize(), spec.outDtype());
    }
}
