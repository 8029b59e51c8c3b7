package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Decode attention over f32, one head after the other, in scratch memory of its own. */
final class FakePlan implements BackendPlan {
    private final FakeBackend backend;
    private final AttentionSpec spec;
    private final ExecutionQueue queue;
    private final float[] row;
    private final float[] sum;
    private BatchShape batch;

    FakePlan(FakeBackend backend, AttentionSpec spec, BatchShape batch, ExecutionQueue queue) {
        this.backend = backend;
        this.spec = spec;
        this.batch = batch;
        this.queue = queue;
        this.row = new float[Math.max(spec.headDimQk(), spec.headDimVo())];
        this.sum = new float[spec.headDimVo()];
    }

    @Override
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        backend.runs.incrementAndGet();
        MemorySegment result = HostTensors.segment(out.buffer());
        if (backend.failing.contains(FakeBackend.At.RUN)) {
            result.fill((byte) -1); // what a kernel that dies half-way leaves behind
            backend.failAt(FakeBackend.At.RUN);
        }
        MemorySegment queries = HostTensors.segment(q.buffer());
        for (int request = 0; request < batch.batchSize(); request++) {
            for (int head = 0; head < spec.numQoHeads(); head++) {
                float log = attend(queries, kv, request, head);
                long at = (long) request * spec.numQoHeads() + head;
                for (int d = 0; d < sum.length; d++) {
                    HostTensors.set(result, DataType.F32, 4 * (at * sum.length + d), sum[d]);
                }
                if (lse != null) {
                    HostTensors.set(HostTensors.segment(lse.buffer()), DataType.F32, 4 * at, log);
                }
            }
        }
    }

    /** Leaves one head's output in {@link #sum}; returns its LSE. */
    private float attend(MemorySegment queries, KvCacheView kv, int request, int head) {
        Arrays.fill(sum, 0);
        float max = Float.NEGATIVE_INFINITY;
        float weight = 0;
        int kvHead = head / spec.groupSize();
        long query = ((long) request * spec.numQoHeads() + head) * spec.headDimQk();
        for (int token = 0; token < batch.kvLen(request); token++) {
            int page = batch.pageTable().pageOf(request, token);
            int slot = token % spec.pageSize();
            HostKvAccess.getKey(kv, page, slot, kvHead, row, 0);
            float logit = 0;
            for (int d = 0; d < spec.headDimQk(); d++) {
                logit += HostTensors.get(queries, DataType.F32, 4 * (query + d)) * row[d];
            }
            logit *= spec.smScale();
            float rise = Math.max(max, logit);
            float keep = (float) Math.exp(max - rise);
            float share = (float) Math.exp(logit - rise);
            max = rise;
            weight = weight * keep + share;
            HostKvAccess.getValue(kv, page, slot, kvHead, row, 0);
            for (int d = 0; d < sum.length; d++) {
                sum[d] = sum[d] * keep + share * row[d];
            }
        }
        for (int d = 0; d < sum.length && weight > 0; d++) {
            sum[d] /= weight;
        }
        return weight > 0 ? max + (float) Math.log(weight) : Float.NEGATIVE_INFINITY;
    }

    @Override
    public boolean replan(BatchShape next) {
        if (next.batchSize() != batch.batchSize()) {
            return false;
        }
        batch = next;
        return true;
    }

    @Override
    public ExecutionQueue queue() {
        return queue;
    }

    @Override
    public Schedule schedule() {
        return new Schedule(batch.batchSize(), 1, 0);
    }

    @Override
    public void close() {}
}
