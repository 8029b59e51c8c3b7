package dev.heddle.conformance.oracle;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;

/**
 * Attention in fp64, step by step in the order of the definition.
 *
 * @since 0.1
 */
@Evolving
public final class Oracle {
    private final AttentionSpec spec;
    private final BatchShape batch;
    private final Tensor q;
    private final KvCacheView kv;
    private final HeadParameters heads;
    private final Expected result;

    private Oracle(AttentionSpec spec, BatchShape batch, Tensor q, KvCacheView kv, HeadParameters heads) {
        this.spec = spec;
        this.batch = batch;
        this.q = q;
        this.kv = kv;
        this.heads = heads;
        int rowsAndHeads = batch.totalQoLen() * spec.numQoHeads();
        this.result = new Expected(new double[rowsAndHeads * spec.headDimVo()], new double[rowsAndHeads]);
    }

    /**
     * Computes attention of host inputs.
     *
     * @param q {@code [total_qo_len, num_qo_heads, head_dim_qk]}, in the host's memory, as everything else
     */
    public static Expected attend(
            AttentionSpec spec, BatchShape batch, Tensor q, KvCacheView kv, HeadParameters heads) {
        Oracle oracle = new Oracle(spec, batch, q, kv, heads);
        for (int request = 0; request < batch.batchSize(); request++) {
            for (int kvHead = 0; kvHead < spec.numKvHeads(); kvHead++) {
                oracle.attend(request, kvHead);
            }
        }
        return oracle.result;
    }

    private void attend(int request, int kvHead) {
        float[][] keys = HostInputs.tokens(kv.k(), batch, request, kvHead, spec.headDimQk());
        float[][] values = HostInputs.tokens(kv.v(), batch, request, kvHead, spec.headDimVo());
        for (int row = 0; row < batch.qoLen(request); row++) {
            for (int g = 0; g < spec.groupSize(); g++) {
                attend(request, row, kvHead * spec.groupSize() + g, kvHead, keys, values);
            }
        }
    }

    private void attend(int request, int row, int head, int kvHead, float[][] keys, float[][] values) {
        float[] query = HostInputs.row(q, batch.qoIndptr(request) + row, head);
        double[] logits = new double[keys.length];
        double max = spec.sinks() ? HostInputs.perHead(heads.sinks(), head) : Double.NEGATIVE_INFINITY;
        for (int key = 0; key < keys.length; key++) {
            logits[key] = visible(spec, batch, request, row, key)
                    ? logit(request, row, head, kvHead, key, query, keys[key])
                    : Double.NEGATIVE_INFINITY;
            max = Math.max(max, logits[key]); // NaN stays NaN
        }
        double sum = spec.sinks() && max != Double.NEGATIVE_INFINITY
                ? Math.exp(HostInputs.perHead(heads.sinks(), head) - max)
                : 0;
        double[] out = new double[spec.headDimVo()];
        for (int key = 0; key < keys.length; key++) {
            if (logits[key] == Double.NEGATIVE_INFINITY) {
                continue; // whatever the value of a key that the row does not see, it does not count: not 0 * NaN
            }
            double weight = Math.exp(logits[key] - max);
            sum += weight;
            for (int d = 0; d < out.length; d++) {
                out[d] += weight * values[key][d];
            }
        }
        int at = (batch.qoIndptr(request) + row) * spec.numQoHeads() + head;
        if (sum == 0) {
            Arrays.fill(result.out(), at * out.length, (at + 1) * out.length, 0);
            result.lse()[at] = Double.NEGATIVE_INFINITY;
            return;
        }
        for (int d = 0; d < out.length; d++) {
            result.out()[at * out.length + d] = kv.scales().v(kvHead) * out[d] / sum;
        }
        result.lse()[at] = max + Math.log(sum);
    }

    private double logit(int request, int row, int head, int kvHead, int key, float[] query, float[] stored) {
        double dot = 0;
        for (int d = 0; d < query.length; d++) {
            dot += (double) query[d] * stored[d];
        }
        double s = spec.smScale() * (double) kv.scales().k(kvHead) * dot;
        double cap = spec.logitsSoftCap();
        if (cap != 0) {
            s = cap * Math.tanh(s / cap);
        }
        if (spec.alibi()) {
            s += (double) HostInputs.perHead(heads.alibiSlopes(), head)
                    * (key - position(batch, request, row));
        }
        return s;
    }

    /** Returns the position of a query row in its sequence. */
    static int position(BatchShape batch, int request, int row) {
        return batch.kvLen(request) - batch.qoLen(request) + row;
    }

    /** Returns whether a row sees a key. */
    static boolean visible(AttentionSpec spec, BatchShape batch, int request, int row, int key) {
        int position = position(batch, request, row);
        if (spec.causal() && key > position) {
            return false;
        }
        if (spec.windowLeft() >= 0 && key < (long) position - spec.windowLeft()) {
            return false;
        }
        CustomMask mask = batch.customMask();
        return mask == null || mask.visible(request, row, key, batch.kvLen(request));
    }
}
