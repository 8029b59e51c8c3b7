package ${package};

import static dev.heddle.core.tensor.HostTensors.get;
import static dev.heddle.core.tensor.HostTensors.segment;
import static dev.heddle.core.tensor.HostTensors.set;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A batch made ready: what depends on lengths is allocated here, so that runs allocate nothing. */
final class ${className}Plan implements BackendPlan {
    private final AttentionSpec spec;
    private final BatchShape batch;
    private final ExecutionQueue queue;
    private final double[] weights; // [max kv_len]
    private final double[] sums; // [head_dim_vo]

    ${className}Plan(AttentionSpec spec, BatchShape batch, ExecutionQueue queue) {
        this.spec = spec;
        this.batch = batch;
        this.queue = queue;
        this.weights = new double[batch.pageTable().maxKvLen()];
        this.sums = new double[spec.headDimVo()];
    }

    @Override
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        for (int request = 0; request < batch.batchSize(); request++) {
            for (int head = 0; head < spec.numQoHeads(); head++) {
                attend(request, head, q, kv, out, lse);
            }
        }
    }

    /** Computes the one query row that a decode request has, for one head. */
    private void attend(int request, int head, Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse) {
        int row = batch.qoIndptr(request);
        int kvHead = head / spec.groupSize();
        int kvLen = batch.kvLen(request);

        double max = Double.NEGATIVE_INFINITY;
        for (int token = 0; token < kvLen; token++) {
            weights[token] = spec.smScale() * dot(q, row, head, kv.k(), request, token, kvHead);
            max = Math.max(max, weights[token]);
        }
        double sum = 0;
        Arrays.fill(sums, 0);
        for (int token = 0; token < kvLen; token++) {
            double weight = Math.exp(weights[token] - max);
            sum += weight;
            addValue(weight, kv.v(), request, token, kvHead);
        }
        // A request without keys has zeros and LSE -infinity; they are written, too.
        for (int d = 0; d < sums.length; d++) {
            set(segment(out.buffer()), out.dtype(), at(out, row, head, d), kvLen == 0 ? 0 : (float) (sums[d] / sum));
        }
        if (lse != null) {
            set(segment(lse.buffer()), DataType.F32, at(lse, row, head), (float) (max + Math.log(sum)));
        }
    }

    private double dot(Tensor q, int row, int head, KvPlane k, int request, int token, int kvHead) {
        MemorySegment queries = segment(q.buffer());
        int page = batch.pageTable().pageOf(request, token);
        MemorySegment keys = segment(k.segmentOf(page));
        long key = k.byteOffset(page, token % spec.pageSize(), kvHead);
        double dot = 0;
        for (int d = 0; d < spec.headDimQk(); d++) {
            dot += (double) get(queries, q.dtype(), at(q, row, head, d))
                    * get(keys, k.dtype(), key + (long) d * k.dtype().byteSize());
        }
        return dot;
    }

    private void addValue(double weight, KvPlane v, int request, int token, int kvHead) {
        int page = batch.pageTable().pageOf(request, token);
        MemorySegment values = segment(v.segmentOf(page));
        long value = v.byteOffset(page, token % spec.pageSize(), kvHead);
        for (int d = 0; d < sums.length; d++) {
            sums[d] += weight * get(values, v.dtype(), value + (long) d * v.dtype().byteSize());
        }
    }

    private static long at(Tensor tensor, int row, int head, int d) {
        return at(tensor, row, head) + (long) d * tensor.dtype().byteSize();
    }

    private static long at(Tensor tensor, int row, int head) {
        return tensor.byteOffset() + tensor.dtype().byteSize() * (row * tensor.stride(0) + head * tensor.stride(1));
    }

    @Override
    public ExecutionQueue queue() {
        return queue;
    }

    @Override
    public Schedule schedule() {
        return new Schedule(1, 1, 0);
    }

    @Override
    public void close() {}
}
