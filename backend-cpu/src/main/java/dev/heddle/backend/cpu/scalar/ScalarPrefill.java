package dev.heddle.backend.cpu.scalar;

import dev.heddle.backend.cpu.kernel.PrefillLoops;

/** Plain loops over tiles. */
final class ScalarPrefill implements PrefillLoops {
    private static final float HEADROOM = 8;

    @Override
    public void arrange(float[] q, int at, int rows, int dim, float[] queries, int to) {
        System.arraycopy(q, at, queries, to, rows * dim);
    }

    @Override
    public void scores(float[] queries, int at, int rows, float[] keys, int dim, int segment, int[] from,
            int[] to, float[] scores) {
        for (int r = 0; r < rows; r++) {
            for (int t = from[r]; t < to[r]; t++) {
                float score = 0;
                for (int start = 0; start < dim; start += segment) {
                    float sum = 0;
                    for (int d = start; d < Math.min(start + segment, dim); d++) {
                        sum = Math.fma(queries[at + r * dim + d], keys[t * dim + d], sum);
                    }
                    score += sum;
                }
                scores[t * STRIDE + r] = score;
            }
        }
    }

    @Override
    public void cap(float[] scores, int rows, int[] from, int[] to, float cap) {
        for (int r = 0; r < rows; r++) {
            for (int i = from[r] * STRIDE + r; i < to[r] * STRIDE; i += STRIDE) {
                scores[i] = (float) (cap * Math.tanh(scores[i] / (double) cap));
            }
        }
    }

    @Override
    public void bias(float[] scores, int rows, int[] from, int[] to, float[] slopes, float[] offsets) {
        for (int r = 0; r < rows; r++) {
            for (int t = from[r]; t < to[r]; t++) {
                scores[t * STRIDE + r] = Math.fma(slopes[r], t + offsets[r], scores[t * STRIDE + r]);
            }
        }
    }

    @Override
    public void softmax(float[] scores, int rows, int tokens, int[] from, int[] to, float[] maxima,
            float[] sums, float[] acc, int accAt, int dim) {
        for (int r = 0; r < rows; r++) {
            float top = maxima[r];
            for (int t = from[r]; t < to[r]; t++) {
                float score = scores[t * STRIDE + r];
                top = score > top ? score : top; // NaN shows in the weights
            }
            if (top > maxima[r] + HEADROOM) {
                if (maxima[r] != LOWEST) {
                    rescale((float) Math.pow(2, (double) maxima[r] - top), sums, r, acc, accAt + r * dim,
                            dim);
                }
                maxima[r] = top;
            }
            for (int t = 0; t < tokens; t++) {
                float p = from[r] <= t && t < to[r]
                        ? (float) Math.pow(2, scores[t * STRIDE + r] - maxima[r])
                        : 0;
                scores[t * STRIDE + r] = p;
                sums[r] += p;
            }
        }
    }

    private static void rescale(float factor, float[] sums, int row, float[] acc, int at, int dim) {
        sums[row] *= factor;
        for (int d = at; d < at + dim; d++) {
            acc[d] *= factor;
        }
    }

    @Override
    public void keep(float[] row, int dim, float[] values, int token) {
        System.arraycopy(row, 0, values, token * dim, dim);
    }

    @Override
    public boolean finite(float[] values, int tokens, int dim) {
        for (int i = 0; i < tokens * dim; i++) {
            if (!Float.isFinite(values[i])) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void weigh(float[] p, int rows, float[] values, int dim, int[] from, int[] to, float[] acc,
            int accAt) {
        for (int r = 0; r < rows; r++) {
            weighRow(p, r, values, dim, from[r], to[r], acc, accAt);
        }
    }

    @Override
    public void weighRow(float[] p, int row, float[] values, int dim, int from, int to, float[] acc,
            int accAt) {
        int at = accAt + row * dim;
        for (int t = from; t < to; t++) {
            float weight = p[t * STRIDE + row];
            for (int d = 0; d < dim; d++) {
                acc[at + d] = Math.fma(weight, values[t * dim + d], acc[at + d]);
            }
        }
    }
}
