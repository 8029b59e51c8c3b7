package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import java.util.Arrays;

/**
 * Unnormalised partial results of a tile: for each row the sum of p·v, the largest score in units of log2 and the sum of p, in one
 * array from an offset. Folding is the only way two are ever combined, always from left to right.
 */
final class Partials {
    /** Limit of a plan's workspace; a schedule that would need more computes its chunks one after the other. */
    static final long MAX_BYTES = 64L << 20;

    static final double LN2 = 0.693147180559945309417;

    private Partials() {}

    static void clear(float[] state, int offset, int rows, int dim) {
        Arrays.fill(state, offset, offset + rows * dim, 0f);
        Arrays.fill(state, offset + rows * dim, offset + rows * (dim + 1), Float.NEGATIVE_INFINITY);
        Arrays.fill(state, offset + rows * (dim + 1), offset + rows * (dim + 2), 0f);
    }

    /** Folds {@code next} into {@code into}, both of {@code rows} rows of {@code dim} elements. */
    static void fold(InnerLoops loops, float[] into, int intoOffset, float[] next, int nextOffset, int rows,
            int dim) {
        int maxAt = rows * dim;
        int sumAt = rows * (dim + 1);
        for (int row = 0; row < rows; row++) {
            float a = into[intoOffset + maxAt + row];
            float b = next[nextOffset + maxAt + row];
            if (b == Float.NEGATIVE_INFINITY) {
                continue; // this chunk showed the row no key
            }
            float max = Math.max(a, b);
            float scaleA = a == Float.NEGATIVE_INFINITY ? 0 : power(a - max);
            float scaleB = power(b - max);
            loops.combine(into, intoOffset + row * dim, scaleA, next, nextOffset + row * dim, scaleB, dim);
            into[intoOffset + sumAt + row] =
                    into[intoOffset + sumAt + row] * scaleA + next[nextOffset + sumAt + row] * scaleB;
            into[intoOffset + maxAt + row] = max;
        }
    }

    /** Returns 2 to the difference of two scores. */
    static float power(float difference) {
        return difference == 0 ? 1 : (float) Math.exp(difference * LN2);
    }
}
