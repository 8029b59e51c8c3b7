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

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final KvCacheView kv;
    private final HeadParameters heads;
    private final Expected exact;
    private final double[] maxError = new double[Dots.ORDERS];
    private final double[] sumError = new double[Dots.ORDERS];
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
                // A few large logits decide an output, so that one order of sums alone may be right by luck, and a bound
                // from it be too tight for every other.
                float[][] dots = Dots.of(query, keys);
                for (int order = 0; order < Dots.ORDERS; order++) {
                    float[] logits = logits(request, row, head, kvHead, dots[order], visible);
                    score(order, at, output(head, kvHead, logits, values));
                    if (order == 0) { // where out has 16 bits or fewer, roundings in f32 are lost beside its own
                        floor(at, spec.outDtype() == DataType.F32
                                ? roundings(request, row, head, kvHead, logits, Dots.absolute(query, keys),
                                        values)
                                : Roundings.NONE);
                    }
                }
            }
        }
    }

    private Roundings roundings(int request, int row, int head, int kvHead, float[] logits, double[] dots,
            float[][] values) {
        double sink = spec.sinks() ? HostInputs.perHead(heads.sinks(), head) : Double.NEGATIVE_INFINITY;
        double[] terms = new double[logits.length];
        double scale = Math.abs((double) spec.smScale() * kv.scales().k(kvHead));
        double slope = spec.alibi() ? Math.abs(HostInputs.perHead(heads.alibiSlopes(), head)) : 0;
        int position = Oracle.position(batch, request, row);
        for (int key = 0; key < terms.length; key++) {
            terms[key] = scale * dots[key] + slope * Math.abs(key - position);
        }
        return Roundings.of(logits, sink, terms, values, kv.scales().v(kvHead));
    }

    private boolean[] visible(int request, int row, int keys) {
        boolean[] visible = new boolean[keys];
        for (int key = 0; key < keys; key++) {
            visible[key] = Oracle.visible(spec, batch, request, row, key);
        }
        return visible;
    }

    private float[] logits(int request, int row, int head, int kvHead, float[] dots, boolean[] visible) {
        float[] logits = new float[dots.length];
        float scale = spec.smScale() * kv.scales().k(kvHead);
        float cap = spec.logitsSoftCap();
        float slope = spec.alibi() ? HostInputs.perHead(heads.alibiSlopes(), head) : 0;
        int position = Oracle.position(batch, request, row);
        for (int key = 0; key < dots.length; key++) {
            if (!visible[key]) {
                logits[key] = Float.NEGATIVE_INFINITY;
                continue;
            }
            float s = scale * dots[key];
            if (cap != 0) {
                s = cap * (float) Math.tanh(s / cap);
            }
            logits[key] = s + slope * (key - position);
        }
        return logits;
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
        for (int key = 0; key < weights.length; key++) {
            weights[key] /= sum;
        }
        if (spec.qDtype().byteSize() == 2) {
            spec.qDtype().round(weights);
        }
        float[] out = new float[spec.headDimVo()];
        for (int key = 0; key < logits.length; key++) {
            if (logits[key] == Float.NEGATIVE_INFINITY) {
                continue;
            }
            float weight = weights[key];
            float[] value = values[key];
            for (int d = 0; d < out.length; d++) {
                out[d] += weight * value[d];
            }
        }
        float scale = kv.scales().v(kvHead);
        for (int d = 0; d < out.length; d++) {
            out[d] *= scale;
        }
        spec.outDtype().round(out);
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
