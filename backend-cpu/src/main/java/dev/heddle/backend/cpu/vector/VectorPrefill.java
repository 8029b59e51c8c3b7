package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.PrefillLoops;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loops over tiles in vectors. Queries lie in panels, {@code [dim][rows of the panel]}: wide ones, and vectors of their
 * own for what is left. Values lie in panels too, {@code [token][PANEL]}.
 */
final class VectorPrefill implements PrefillLoops {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int LANES = F.length();
    private static final int VECTORS = LANES == 16 ? 4 : 2; // of a wide panel: as many sums as there are registers for
    private static final int WIDE = VECTORS * LANES;
    private static final int PANEL = PrefillValues.PANEL;

    /** Returns how many rows the panel has that begins at one. */
    private static int panel(int row, int rows) {
        return rows - row > WIDE - LANES ? WIDE : LANES;
    }

    @Override
    public void arrange(float[] q, int at, int rows, int dim, float[] queries, int to) {
        for (int row = 0; row < rows; row += panel(row, rows)) {
            int width = panel(row, rows);
            int base = to + row * dim;
            for (int lane = 0; lane < width; lane++) {
                int from = at + (row + lane) * dim;
                boolean padding = row + lane >= rows;
                for (int d = 0; d < dim; d++) {
                    queries[base + d * width + lane] = padding ? 0 : q[from + d];
                }
            }
        }
    }

    @Override
    public void scores(float[] queries, int at, int rows, float[] keys, int dim, int segment, int[] from,
            int[] to, float[] scores) {
        for (int row = 0; row < rows; row += panel(row, rows)) {
            int width = panel(row, rows);
            int first = least(from, row, width) / PrefillScores.BLOCK * PrefillScores.BLOCK;
            int end = most(to, row, width);
            for (int t = first; t < end; t += PrefillScores.BLOCK) {
                int target = t * STRIDE + row;
                for (int d = 0; d < dim; d += segment) {
                    int part = d == 0 ? target : TOKENS * STRIDE + row;
                    block(width, keys, t * dim + d, dim, Math.min(segment, dim - d), queries,
                            at + row * dim + d * width, scores, part);
                    if (d > 0) {
                        PrefillScores.add(scores, part, target, width);
                    }
                }
            }
        }
    }

    private static void block(int width, float[] keys, int key, int dim, int count, float[] queries,
            int query,
            float[] scores, int to) {
        if (width == LANES) {
            PrefillScores.of1(keys, key, dim, count, queries, query, scores, to);
        } else if (VECTORS == 4) {
            PrefillScores.of4(keys, key, dim, count, queries, query, scores, to);
        } else {
            PrefillScores.of2(keys, key, dim, count, queries, query, scores, to);
        }
    }

    private static int least(int[] values, int at, int count) {
        int least = values[at];
        for (int i = at + 1; i < at + count; i++) {
            least = Math.min(least, values[i]);
        }
        return least;
    }

    private static int most(int[] values, int at, int count) {
        int most = values[at];
        for (int i = at + 1; i < at + count; i++) {
            most = Math.max(most, values[i]);
        }
        return most;
    }

    @Override
    public void cap(float[] scores, int rows, int[] from, int[] to, float cap) {
        for (int row = 0; row < rows; row += LANES) {
            PrefillSoftmax.cap(scores, row, least(from, row, LANES), most(to, row, LANES), cap);
        }
    }

    @Override
    public void bias(float[] scores, int rows, int[] from, int[] to, float[] slopes, float[] offsets) {
        for (int row = 0; row < rows; row += LANES) {
            PrefillSoftmax.bias(scores, row, least(from, row, LANES), most(to, row, LANES), slopes, offsets);
        }
    }

    @Override
    public void softmax(float[] scores, int rows, int tokens, int[] from, int[] to, float[] maxima,
            float[] sums, float[] acc, int accAt, int dim) {
        for (int row = 0; row < rows; row += LANES) {
            int first = least(from, row, LANES);
            int end = most(to, row, LANES);
            PrefillSoftmax.zero(scores, row, 0, first);
            PrefillSoftmax.zero(scores, row, end, tokens);
            if (first >= end) {
                continue;
            }
            if (most(from, row, LANES) > first || least(to, row, LANES) < end) {
                PrefillSoftmax.mask(scores, row, first, end, from, to);
            }
            if (PrefillSoftmax.exceeds(scores, row, first, end, maxima)) {
                raise(scores, row, Math.min(LANES, rows - row), first, end, maxima, sums, acc, accAt, dim);
            }
            PrefillSoftmax.weights(scores, row, first, end, maxima, sums);
        }
    }

    private void raise(float[] scores, int row, int rows, int from, int to, float[] maxima, float[] sums,
            float[] acc, int accAt, int dim) {
        int old = TOKENS * STRIDE;
        System.arraycopy(maxima, row, scores, old + row, rows);
        PrefillSoftmax.raise(scores, row, from, to, maxima);
        for (int r = row; r < row + rows; r++) {
            float before = scores[old + r];
            if (maxima[r] != before && before != LOWEST) {
                float factor = (float) Math.pow(2, (double) before - maxima[r]);
                sums[r] *= factor;
                int at = accAt + r * dim;
                for (int d = at; d < at + dim; d++) {
                    acc[d] *= factor;
                }
            }
        }
    }

    @Override
    public void keep(float[] row, int dim, float[] values, int token) {
        int at = token * PANEL;
        for (int d = 0; d < dim; d += PANEL, at += TOKENS * PANEL) {
            FloatVector.fromArray(F, row, d).intoArray(values, at);
            FloatVector.fromArray(F, row, d + LANES).intoArray(values, at + LANES);
        }
    }

    @Override
    public boolean finite(float[] values, int tokens, int dim) {
        for (int panel = 0; panel < dim; panel += PANEL) {
            int at = panel * TOKENS;
            for (int i = at; i < at + tokens * PANEL; i += LANES) {
                VectorMask<Float> finite =
                        FloatVector.fromArray(F, values, i).test(VectorOperators.IS_FINITE);
                if (!finite.allTrue()) {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public void weigh(float[] p, int rows, float[] values, int dim, int[] from, int[] to, float[] acc,
            int accAt) {
        int whole = LANES == 16 ? rows / 12 * 12 : 0;
        for (int d = 0; d < dim; d += PANEL) {
            int panel = d * TOKENS;
            for (int row = 0; row < whole; row += 12) {
                PrefillValues.of12(p, least(from, row, 12), most(to, row, 12), row, values, panel, acc,
                        accAt + row * dim + d, dim);
            }
            for (int row = whole; row <= rows - 4; row += 4) {
                PrefillValues.of4(p, least(from, row, 4), most(to, row, 4), row, values, panel, acc,
                        accAt + row * dim + d, dim);
            }
        }
        for (int row = rows / 4 * 4; row < rows; row++) {
            weighRow(p, row, values, dim, from[row], to[row], acc, accAt);
        }
    }

    @Override
    public void weighRow(float[] p, int row, float[] values, int dim, int from, int to, float[] acc,
            int accAt) {
        int d = 0;
        for (; d <= dim - 4 * PANEL; d += 4 * PANEL) {
            PrefillValues.row4(p, from, to, row, values, d * TOKENS, TOKENS * PANEL, acc,
                    accAt + row * dim + d);
        }
        for (; d < dim; d += PANEL) {
            PrefillValues.row1(p, from, to, row, values, d * TOKENS, acc, accAt + row * dim + d);
        }
    }
}
