package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** One layer's tensors with random content, and what attention over them must be. */
final class Layer implements AutoCloseable {
    /** 4/2 heads of dim 8, f32, pages of 4: 128 bytes of K and V a token. */
    static final AttentionSpec SPEC = builder().build();

    final Tensor q;
    final Tensor out;
    final Tensor lse;
    private final KvCache cache;
    private final BatchShape batch;

    Layer(Heddle heddle, BatchShape batch, long seed) {
        this.batch = batch;
        Random random = new Random(seed);
        int rows = batch.totalQoLen();
        q = heddle.allocate(DataType.F32, rows, SPEC.numQoHeads(), SPEC.headDimQk());
        out = heddle.allocate(DataType.F32, rows, SPEC.numQoHeads(), SPEC.headDimVo());
        lse = heddle.allocate(DataType.F32, rows, SPEC.numQoHeads());
        HostTensors.fill(q, floats(random, (int) q.elements()));
        cache = heddle.allocateKvCache(SPEC, 1, batch.pageTable().poolPages());
        for (int page = 0; page < batch.pageTable().poolPages(); page++) {
            for (int slot = 0; slot < SPEC.pageSize(); slot++) {
                for (int head = 0; head < SPEC.numKvHeads(); head++) {
                    HostKvAccess.putKey(kv(), page, slot, head, floats(random, SPEC.headDimQk()), 0);
                    HostKvAccess.putValue(kv(), page, slot, head, floats(random, SPEC.headDimVo()), 0);
                }
            }
        }
    }

    static AttentionSpecBuilder builder() {
        return AttentionSpec.builder().numQoHeads(4).numKvHeads(2).headDim(8).dtype(DataType.F32).pageSize(4);
    }

    static AttentionSpec groupOf(int size) {
        return builder().numQoHeads(2 * size).build();
    }

    /** Returns a decode batch of these kv_len. */
    static BatchShape batch(int... kvLens) {
        int[] indptr = new int[kvLens.length + 1];
        int[] last = new int[kvLens.length];
        for (int i = 0; i < kvLens.length; i++) {
            int pages = Math.ceilDiv(kvLens[i], 4);
            indptr[i + 1] = indptr[i] + pages;
            last[i] = pages == 0 ? 0 : kvLens[i] - 4 * (pages - 1);
        }
        int[] indices = new int[indptr[kvLens.length]];
        Arrays.setAll(indices, i -> indices.length - 1 - i);
        return BatchShape.decode(PageTable.of(4, indices.length, indptr, indices, last));
    }

    static Heddle open(AttentionBackendProvider... providers) {
        return Heddle.builder().providers(List.of(providers)).open();
    }

    KvCacheView kv() {
        return cache.layer(0);
    }

    void run(AttentionPlan plan) {
        plan.run(q, kv(), out, lse);
        plan.queue().synchronize();
    }

    /** Returns the largest difference of out and LSE from attention in doubles, NaN if anything is NaN. */
    double error() {
        float[] queries = HostTensors.toFloats(q);
        float[] results = HostTensors.toFloats(out);
        float[] logs = HostTensors.toFloats(lse);
        double worst = 0;
        for (int request = 0; request < batch.batchSize(); request++) {
            for (int head = 0; head < SPEC.numQoHeads(); head++) {
                int row = request * SPEC.numQoHeads() + head;
                double[] expected = attend(queries, row, request, head / SPEC.groupSize());
                for (int d = 0; d < 8; d++) {
                    worst = Math.max(worst, Math.abs(expected[d] - results[row * 8 + d]));
                }
                worst = Math.max(worst, Math.abs(expected[8] - logs[row]));
            }
        }
        return worst;
    }

    private double[] attend(float[] queries, int row, int request, int kvHead) {
        double[] sum = new double[9];
        double weight = 0;
        float[] values = new float[8];
        for (int token = 0; token < batch.kvLen(request); token++) {
            int page = batch.pageTable().pageOf(request, token);
            HostKvAccess.getKey(kv(), page, token % 4, kvHead, values, 0);
            double dot = 0;
            for (int d = 0; d < 8; d++) {
                dot += (double) queries[row * 8 + d] * values[d];
            }
            double share = Math.exp(dot / Math.sqrt(8));
            weight += share;
            HostKvAccess.getValue(kv(), page, token % 4, kvHead, values, 0);
            for (int d = 0; d < 8; d++) {
                sum[d] += share * values[d];
            }
        }
        for (int d = 0; d < 8; d++) {
            sum[d] /= weight;
        }
        sum[8] = Math.log(weight);
        return sum;
    }

    private static float[] floats(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Override
    public void close() {
        cache.close();
        q.buffer().close();
        out.buffer().close();
        lse.buffer().close();
    }
}
