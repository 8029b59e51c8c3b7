package dev.heddle.conformance.reference;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The runs of one plan of the plain backend: row by row, head by head, key by key. What a row needs is allocated once;
 * one run at a time.
 */
final class PlainRun {
    private final PlainMath math;
    private final AttentionSpec spec;
    private final BatchShape batch;
    private final int splits;

    // of the run at hand, and set by each
    private Tensor q;
    private KvCacheView kv;
    private Tensor out;
    private @Nullable Tensor lse;
    private HeadParameters heads = HeadParameters.NONE;

    // of the row at hand
    private final float[] query;
    private final float[] weighted;
    private final float[] lost; // what rounding took from each element of weighted (Kahan)
    private final float[] key;
    private final float[] value;
    private final float[] logits;
    private float max;
    private float sum;

    PlainRun(PlainMath math, AttentionSpec spec, BatchShape batch, int splits) {
        this.math = math;
        this.spec = spec;
        this.batch = batch;
        this.splits = splits;
        this.query = new float[spec.headDimQk()];
        this.weighted = new float[spec.headDimVo()];
        this.lost = new float[spec.headDimVo()];
        this.key = new float[spec.headDimQk()];
        this.value = new float[spec.headDimVo()];
        int most = 0;
        for (int request = 0; request < batch.batchSize(); request++) {
            most = Math.max(most, math.tokens(batch, request));
        }
        this.logits = new float[most];
    }

    void run(Tensor runQ, KvCacheView runKv, Tensor runOut, @Nullable Tensor runLse,
            HeadParameters runHeads) {
        q = runQ;
        kv = runKv;
        out = runOut;
        lse = runLse;
        heads = runHeads;
        run();
    }

    private void run() {
        for (int request = 0; request < batch.batchSize(); request++) {
            if (math.computes(batch, request)) {
                for (int row = 0; row < batch.qoLen(request); row++) {
                    for (int head = 0; head < spec.numQoHeads(); head++) {
                        attend(request, row, head);
                    }
                }
            }
        }
    }

    private void attend(int request, int row, int head) {
        int outRow = batch.qoIndptr(request) + row;
        read(q.dtype(), HostTensors.segment(q.buffer()), offset(q, outRow, head), query);
        Arrays.fill(weighted, 0);
        Arrays.fill(lost, 0);
        max = Float.NEGATIVE_INFINITY;
        sum = 0;
        int kvHead = math.kvHead(spec, head);
        int tokens = math.tokens(batch, request);
        int begin = 0;
        for (int split = 0; split < splits; split++) {
            int end = math.splitEnd(tokens, split, splits);
            part(request, row, head, kvHead, begin, end);
            begin = end;
        }
        Tensor sinks = heads.sinks();
        if (sinks != null) {
            float sink = perHead(sinks, head);
            rescale(Math.max(max, sink));
            sum += (float) Math.exp(sink - math.shift(max));
        }
        write(outRow, head, kvHead);
    }

    /** Adds keys {@code begin} up to {@code end}. */
    private void part(int request, int row, int head, int kvHead, int begin, int end) {
        float partMax = max;
        Tensor slopes = heads.alibiSlopes();
        for (int at = begin; at < end; at++) {
            float s = Float.NEGATIVE_INFINITY;
            if (math.visible(spec, batch, request, row, at)) {
                read(kv.k(), request, at, kvHead, key);
                int position = batch.kvLen(request) - batch.qoLen(request) + row;
                s = math.logit(spec, dot(), kv.scales().k(kvHead),
                        slopes == null ? 0 : perHead(slopes, head), at - position);
            }
            logits[at - begin] = s;
            partMax = Math.max(partMax, s);
        }
        rescale(partMax);
        for (int at = begin; at < end; at++) {
            if (logits[at - begin] == Float.NEGATIVE_INFINITY) {
                continue;
            }
            float weight = (float) Math.exp(logits[at - begin] - math.shift(max));
            sum += weight;
            read(kv.v(), request, at, kvHead, value);
            for (int d = 0; d < value.length; d++) {
                float term = weight * value[d] - lost[d];
                float next = weighted[d] + term;
                lost[d] = next - weighted[d] - term;
                weighted[d] = next;
            }
        }
    }

    /** Takes what was summed so far relative to a new maximum. */
    private void rescale(float newMax) {
        float factor = sum == 0 ? 0 : (float) Math.exp(math.shift(max) - math.shift(newMax));
        sum *= factor;
        for (int d = 0; d < weighted.length; d++) {
            weighted[d] *= factor;
            lost[d] *= factor;
        }
        max = newMax;
    }

    private float dot() {
        float total = 0;
        float missing = 0;
        for (int d = 0; d < key.length; d++) {
            float term = query[d] * key[d] - missing;
            float next = total + term;
            missing = next - total - term;
            total = next;
        }
        return total;
    }

    private void write(int outRow, int head, int kvHead) {
        MemorySegment target = HostTensors.segment(out.buffer());
        boolean nothing = max == Float.NEGATIVE_INFINITY;
        for (int d = 0; d < weighted.length; d++) {
            float value = nothing ? 0 : math.finish(weighted[d], sum, kv.scales().v(kvHead));
            HostTensors.set(target, out.dtype(),
                    offset(out, outRow, head) + (long) d * out.dtype().byteSize(), value);
        }
        Tensor lseTensor = lse;
        if (lseTensor != null) {
            float value = nothing ? Float.NEGATIVE_INFINITY : math.lse(math.shift(max), sum);
            long at = lseTensor.byteOffset() + 4 * (outRow * lseTensor.stride(0) + head);
            HostTensors.set(HostTensors.segment(lseTensor.buffer()), DataType.F32, at, value);
        }
    }

    private void read(KvPlane plane, int request, int key, int kvHead, float[] target) {
        int page = batch.pageTable().pageOf(request, key);
        MemorySegment segment = HostTensors.segment(plane.segmentOf(page));
        read(plane.dtype(), segment, math.offset(plane, page, key % spec.pageSize(), kvHead), target);
    }

    private static void read(DataType dtype, MemorySegment segment, long at, float[] target) {
        for (int d = 0; d < target.length; d++) {
            target[d] = HostTensors.get(segment, dtype, at + (long) d * dtype.byteSize());
        }
    }

    private static long offset(Tensor tensor, int row, int head) {
        return tensor.byteOffset()
                + tensor.dtype().byteSize() * (row * tensor.stride(0) + head * tensor.stride(1));
    }

    private static float perHead(Tensor values, int head) {
        return HostTensors.get(HostTensors.segment(values.buffer()), DataType.F32,
                values.byteOffset() + 4L * head);
    }
}
