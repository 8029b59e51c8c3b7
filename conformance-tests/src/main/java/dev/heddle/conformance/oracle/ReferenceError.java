package dev.heddle.conformance.oracle;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.Tensor;
import java.util.Arrays;

/**
 * The errors of a plain implementation that rounds where the dtype does, and the bounds of rule 3.01 that follow
 * from them.
 *
 * <p>The reference takes q, K and V as stored, accumulates scores and output in f32 one after another, rounds the
 * probabilities to q's type where that has 16 bits, and rounds out to its type. Nothing can be asked to be better
 * than rounding the exact result once, so the bounds never fall below that and a few roundings in f32.
 *
 * @since 0.1
 */
@Evolving
public final class ReferenceError {
    private static final double MAX_FACTOR = 2;
    private static final double MEAN_FACTOR = 1.5;

    /**
     * Ways to sum a dot product: first to last, last to first, and as vector units do, in 4, 8 or 16 interleaved sums. A
     * few large logits decide an output, so that one order alone may be right by luck, and a bound from it be too tight
     * for every other.
     */
    private static final int[] LANES = {1, -1, 4, 8, 16};

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final KvCacheView kv;
    private final HeadParameters heads;
    private final Expected exact;
    private final double[] maxError = new double[LANES.length];
    private final double[] sumError = new double[LANES.length];
    private double maxFloor;
    private double sumFloor;

    private ReferenceError(
            AttentionSpec spec, BatchShape batch, KvCacheView kv, HeadParameters heads, Expected exact) {
        this.spec = spec;
        this.batch = batch;
        this.kv = kv;
        this.heads = heads;
        this.exact = exact;
    }

    /** Returns what rule 3.01 allows for these host inputs, given the oracle's answer to them. */
    public static Bounds bounds(
            AttentionSpec spec, BatchShape batch, Tensor q, KvCacheView kv, HeadParameters heads,
            Expected exact) {
        ReferenceError reference = new ReferenceError(spec, batch, kv, heads, exact);
        for (int request = 0; request < batch.batchSize(); request++) {
            for (int kvHead = 0; kvHead < spec.numKvHeads(); kvHead++) {
                reference.attend(request, kvHead, q);
            }
        }
        int count = Math.max(1, exact.out().length);
        return new Bounds(
                Math.max(MAX_FACTOR * Arrays.stream(reference.maxError).max().orElseThrow(),
                        reference.maxFloor),
                Math.max(MEAN_FACTOR * Arrays.stream(reference.sumError).max().orElseThrow(),
                        reference.sumFloor)
                        / count);
    }

    private void attend(int request, int kvHead, Tensor q) {
        float[][] keys = HostInputs.tokens(kv.k(), batch, request, kvHead, spec.headDimQk());
        float[][] values = HostInputs.tokens(kv.v(), batch, request, kvHead, spec.headDimVo());
        for (int row = 0; row < batch.qoLen(request); row++) {
            for (int g = 0; g < spec.groupSize(); g++) {
                int head = kvHead * spec.groupSize() + g;
                int at = (batch.qoIndptr(request) + row) * spec.numQoHeads() + head;
                float[] query = HostInputs.row(q, batch.qoIndptr(request) + row, head);
                boolean[] visible = visible(request, row, keys.length);
                for (int order = 0; order < LANES.length; order++) {
                    float[] logits = logits(request, row, head, kvHead, query, keys, visible, LANES[order]);
                    score(order, at, output(head, kvHead, logits, values));
                }
                floor(at, roundings(request, row, head, kvHead, query, keys, values, visible));
            }
        }
    }

    /** Where out has 16 bits or fewer, roundings in f32 are lost beside the one that stores it. */
    private Roundings roundings(int request, int row, int head, int kvHead, float[] query, float[][] keys,
            float[][] values, boolean[] visible) {
        if (spec.outDtype() != DataType.F32) {
            return Roundings.NONE;
        }
        float[] logits = logits(request, row, head, kvHead, query, keys, visible, LANES[0]);
        double sink = spec.sinks() ? HostInputs.perHead(heads.sinks(), head) : Double.NEGATIVE_INFINITY;
        double[] terms = new double[keys.length];
        double scale = Math.abs((double) spec.smScale() * kv.scales().k(kvHead));
        double slope = spec.alibi() ? Math.abs(HostInputs.perHead(heads.alibiSlopes(), head)) : 0;
        for (int key = 0; key < keys.length; key++) {
            if (visible[key]) {
                terms[key] = scale * absoluteDot(query, keys[key])
                        + slope * Math.abs(key - Oracle.position(batch, request, row));
            }
        }
        return Roundings.of(logits, sink, terms, values, kv.scales().v(kvHead));
    }

    private static double absoluteDot(float[] query, float[] key) {
        double sum = 0;
        for (int d = 0; d < query.length; d++) {
            sum += Math.abs(query[d] * key[d]);
        }
        return sum;
    }

    private boolean[] visible(int request, int row, int keys) {
        boolean[] visible = new boolean[keys];
        for (int key = 0; key < keys; key++) {
            visible[key] = Oracle.visible(spec, batch, request, row, key);
        }
        return visible;
    }

    private float[] logits(int request, int row, int head, int kvHead, float[] query, float[][] keys,
            boolean[] visible, int lanes) {
        float[] logits = new float[keys.length];
        float scale = spec.smScale() * kv.scales().k(kvHead);
        float cap = spec.logitsSoftCap();
        float slope = spec.alibi() ? HostInputs.perHead(heads.alibiSlopes(), head) : 0;
        for (int key = 0; key < keys.length; key++) {
            if (!visible[key]) {
                logits[key] = Float.NEGATIVE_INFINITY;
                continue;
            }
            float dot = dot(query, keys[key], lanes);
            float s = scale * dot;
            if (cap != 0) {
                s = cap * (float) Math.tanh(s / cap);
            }
            logits[key] = s + slope * (key - Oracle.position(batch, request, row));
        }
        return logits;
    }

    private static float dot(float[] query, float[] key, int lanes) {
        return switch (lanes) {
            case 1 -> forwards(query, key);
            case -1 -> backwards(query, key);
            default -> interleaved(query, key, new float[lanes]);
        };
    }

    private static float forwards(float[] query, float[] key) {
        float sum = 0;
        for (int d = 0; d < query.length; d++) {
            sum += query[d] * key[d];
        }
        return sum;
    }

    private static float backwards(float[] query, float[] key) {
        float sum = 0;
        for (int d = query.length - 1; d >= 0; d--) {
            sum += query[d] * key[d];
        }
        return sum;
    }

    private static float interleaved(float[] query, float[] key, float[] sums) {
        int d = 0;
        for (; d <= query.length - sums.length; d += sums.length) {
            for (int lane = 0; lane < sums.length; lane++) {
                sums[lane] += query[d + lane] * key[d + lane];
            }
        }
        for (int lane = 0; d + lane < query.length; lane++) {
            sums[lane] += query[d + lane] * key[d + lane];
        }
        for (int left = sums.length / 2; left > 0; left /= 2) {
            for (int lane = 0; lane < left; lane++) {
                sums[lane] += sums[lane + left];
            }
        }
        return sums[0];
    }

    private float[] output(int head, int kvHead, float[] logits, float[][] values) {
        float max = spec.sinks() ? HostInputs.perHead(heads.sinks(), head) : Float.NEGATIVE_INFINITY;
        for (float s : logits) {
            max = Math.max(max, s);
        }
        float sum = spec.sinks() && max != Float.NEGATIVE_INFINITY
                ? (float) Math.exp(HostInputs.perHead(heads.sinks(), head) - max)
                : 0;
        float[] weights = new float[logits.length];
        for (int key = 0; key < logits.length; key++) {
            weights[key] = logits[key] == Float.NEGATIVE_INFINITY ? 0 : (float) Math.exp(logits[key] - max);
            sum += weights[key];
        }
        DataType dtype = spec.qDtype();
        float[] out = new float[spec.headDimVo()];
        for (int key = 0; key < logits.length; key++) {
            if (logits[key] == Float.NEGATIVE_INFINITY) {
                continue;
            }
            float p = weights[key] / sum;
            float rounded = dtype.byteSize() == 2 ? dtype.round(p) : p;
            for (int d = 0; d < out.length; d++) {
                out[d] += rounded * values[key][d];
            }
        }
        for (int d = 0; d < out.length; d++) {
            out[d] = spec.outDtype().round(out[d] * kv.scales().v(kvHead));
        }
        return out;
    }

    private void score(int order, int at, float[] out) {
        for (int d = 0; d < out.length; d++) {
            double error = Math.abs(out[d] - exact.out()[at * out.length + d]);
            if (error < Double.POSITIVE_INFINITY) { // NaN and infinity are compared exactly, not by error
                maxError[order] = Math.max(maxError[order], error);
                sumError[order] += error;
            }
        }
    }

    private void floor(int at, Roundings roundings) {
        int dim = spec.headDimVo();
        for (int d = 0; d < dim; d++) {
            double wanted = Math.abs(exact.out()[at * dim + d]);
            if (wanted < Double.POSITIVE_INFINITY) {
                double half = halfUlp(spec.outDtype(), wanted);
                maxFloor =
                        Math.max(maxFloor, half + Math.max(8 * Roundings.UNIT * wanted, roundings.most(d)));
                // Rounding once costs a quarter of a step on average, and a little luck either way.
                sumFloor += 0.6 * half + Math.max(4 * Roundings.UNIT * wanted, roundings.usual(d));
            }
        }
    }

    /** Returns half the distance of neighbouring numbers of a type at a value. */
    static double halfUlp(DataType dtype, double value) {
        int mantissaBits =
                switch (dtype) {
                    case F32 -> 23;
                    case F16 -> 10;
                    case BF16 -> 7;
                    case FP8_E4M3 -> 3;
                    case FP8_E5M2 -> 2;
                    case INT8 -> 0;
                };
        if (dtype == DataType.INT8) {
            return 0.5;
        }
        int least =
                switch (dtype) {
                    case F16, FP8_E5M2 -> -14;
                    case FP8_E4M3 -> -6;
                    default -> -126;
                };
        return Math.scalb(0.5, Math.max(Math.getExponent(value), least) - mantissaBits);
    }
}
