package dev.heddle.conformance.oracle;

import org.jspecify.annotations.Nullable;

/**
 * What rounding in f32 may cost one output row, whatever the order of its sums.
 *
 * <p>A sum of n terms in f32, in any order, lies within γ_n·Σ|terms| of the exact one, γ_n = n·u / (1 − n·u), u = 2⁻²⁴
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, sections 3.1 and 4.2): what counts is the size of
 * the terms, not what is left when they cancel. Errors of either sign grow as √n instead (Higham and Mary, A new approach
 * to probabilistic rounding error analysis, 2019). An output Σ p·v takes part in two such sums: that of its terms, and,
 * by p·(v − out) for each key, those of the logits. A few roundings of each are allowed here, far fewer than n.
 */
final class Roundings {
    /** The unit roundoff of f32: what one rounding may cost, relative to the result. */
    static final double UNIT = 0x1p-24;

    /** No rounding at all. */
    static final Roundings NONE = new Roundings(null, null);

    private static final double MOST_OF_TERMS = 4;
    private static final double MOST_OF_LOGITS = 5;
    private static final double USUAL_OF_TERMS = 0.8;
    private static final double USUAL_OF_LOGITS = 2;

    private final double @Nullable [] terms;
    private final double @Nullable [] logits;

    private Roundings(double @Nullable [] terms, double @Nullable [] logits) {
        this.terms = terms;
        this.logits = logits;
    }

    /**
     * Looks at one row of one head.
     *
     * @param logits of each key, −∞ where it is masked
     * @param sink a further logit without a value; −∞ for none
     * @param logitTerms the sum of absolute terms of each logit
     * @param values {@code [kv_len][head_dim_vo]}
     * @param scale of the values
     */
    static Roundings of(float[] logits, double sink, double[] logitTerms, float[][] values, double scale) {
        double max = sink;
        for (float s : logits) {
            max = Math.max(max, s);
        }
        double sum = sink == Double.NEGATIVE_INFINITY ? 0 : Math.exp(sink - max);
        double[] weights = new double[logits.length];
        for (int key = 0; key < logits.length; key++) {
            weights[key] = logits[key] > Float.NEGATIVE_INFINITY ? Math.exp(logits[key] - max) : 0; // nor NaN
            sum += weights[key];
        }
        int dim = values.length == 0 ? 0 : values[0].length;
        double[] out = new double[dim];
        double[] terms = new double[dim];
        for (int key = 0; key < logits.length; key++) {
            if (weights[key] > 0) {
                double weight = weights[key] / sum * scale;
                float[] value = values[key];
                for (int d = 0; d < dim; d++) {
                    double term = weight * value[d];
                    out[d] += term;
                    terms[d] += Math.abs(term);
                }
            }
        }
        double[] squares = new double[dim];
        for (int key = 0; key < logits.length; key++) {
            if (weights[key] > 0) {
                double weight = weights[key] / sum;
                double logit = logitTerms[key] + max - logits[key];
                float[] value = values[key];
                for (int d = 0; d < dim; d++) {
                    double moved = weight * (scale * value[d] - out[d]) * logit;
                    squares[d] += moved * moved;
                }
            }
        }
        for (int d = 0; d < dim; d++) {
            squares[d] = Math.sqrt(squares[d]);
        }
        return new Roundings(terms, squares);
    }

    /** Returns what an element may be off at most. */
    double most(int d) {
        return cost(d, MOST_OF_TERMS, MOST_OF_LOGITS);
    }

    /** Returns what elements may be off on average. */
    double usual(int d) {
        return cost(d, USUAL_OF_TERMS, USUAL_OF_LOGITS);
    }

    private double cost(int d, double ofTerms, double ofLogits) {
        if (terms == null || logits == null || terms.length == 0) {
            return 0;
        }
        double cost = UNIT * (ofTerms * terms[d] + ofLogits * logits[d]);
        return cost < Double.POSITIVE_INFINITY ? cost : 0; // NaN and infinity are compared exactly
    }
}
