package dev.heddle.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.backend.cpu.kernel.PrefillLoops;
import dev.heddle.backend.cpu.scalar.ScalarLoops;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The vector loops over tiles against their scalar reading copy, for every count of rows that ends in its own block. */
class VectorPrefillTest {
    private static final double U = 0x1p-24; // one rounding to f32, relative
    private static final int STRIDE = PrefillLoops.STRIDE;
    private static final int TOKENS = PrefillLoops.TOKENS;

    private final PrefillLoops vector = new VectorLoops().prefill();
    private final PrefillLoops scalar = new ScalarLoops().prefill();

    private static float[] random(long seed, int count, float low, float high) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = low + (high - low) * random.nextFloat();
        }
        return values;
    }

    /** Rows see ever more tokens; some see none. */
    private static int[][] seen(int rows, int tokens) {
        int[] from = new int[PrefillLoops.padded(rows)];
        int[] to = new int[from.length];
        for (int r = 0; r < from.length; r++) {
            int row = Math.min(r, rows - 1);
            from[r] = Math.min(tokens, row / 5);
            to[r] = row % 11 == 3 ? from[r] : Math.clamp(30 + row, from[r], tokens);
        }
        return new int[][]{from, to};
    }

    private static float[] tile(long seed) {
        return random(seed, (TOKENS + PrefillLoops.SPARE) * STRIDE, -9, 9);
    }

    private static void assertSeen(float[] wanted, float[] got, int rows, int[][] seen, double bound,
            String what) {
        for (int r = 0; r < rows; r++) {
            for (int t = seen[0][r]; t < seen[1][r]; t++) {
                float exact = wanted[t * STRIDE + r];
                assertEquals(exact, got[t * STRIDE + r], bound, what + " of row " + r + ", token " + t);
            }
        }
    }

    /** Both add the products of a score in the order of the elements, fused: no bit differs. */
    @ParameterizedTest
    @CsvSource({"1,32", "3,64", "16,128", "17,32", "49,96", "60,128", "64,512", "130,64", "252,128",
            "256,32"})
    void scoresAreTheSameBitForBit(int rows, int dim) {
        scoresAreTheSame(rows, dim, dim);
        scoresAreTheSame(rows, dim, PrefillLoops.SEGMENT);
    }

    private void scoresAreTheSame(int rows, int dim, int segment) {
        int[][] seen = seen(rows, TOKENS);
        float[] q = random(rows, rows * dim, -2, 2);
        float[] k = random(dim, TOKENS * dim, -2, 2);
        float[][] scores = {tile(1), tile(1)};
        PrefillLoops[] loops = {vector, scalar};
        for (int i = 0; i < 2; i++) {
            float[] queries = new float[3 + PrefillLoops.padded(rows) * dim];
            loops[i].arrange(q, 0, rows, dim, queries, 3);
            loops[i].scores(queries, 3, rows, k, dim, segment, seen[0], seen[1], scores[i]);
        }
        assertSeen(scores[1], scores[0], rows, seen, 0, "score");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 16, 37, 252})
    void capAndBiasAgree(int rows) {
        int[][] seen = seen(rows, TOKENS);
        float[] slopes = random(2, PrefillLoops.padded(rows), 0, 1);
        float[] offsets = random(3, PrefillLoops.padded(rows), -1000, 0);
        for (float cap : new float[]{0.5f, 7, 50}) {
            float[] fast = tile(4);
            float[] plain = fast.clone();
            vector.cap(fast, rows, seen[0], seen[1], cap);
            scalar.cap(plain, rows, seen[0], seen[1], cap);
            assertSeen(plain, fast, rows, seen, 8 * U * Math.min(cap, 9), "capped score");
            vector.bias(fast, rows, seen[0], seen[1], slopes, offsets);
            scalar.bias(plain, rows, seen[0], seen[1], slopes, offsets);
            assertSeen(plain, fast, rows, seen, 8 * U * (cap + 1100), "biased score");
        }
    }

    /** 1.5 ulp of the polynomial, half an ulp of the scalar loop; sums add up to 96 roundings. */
    @ParameterizedTest
    @ValueSource(ints = {1, 16, 37, 252})
    void softmaxAgrees(int rows) {
        int[][] seen = seen(rows, TOKENS);
        int dim = 64;
        float[][] maxima = new float[2][PrefillLoops.padded(rows)];
        float[][] sums = new float[2][PrefillLoops.padded(rows)];
        float[][] acc = {random(8, 5 + rows * dim, -1, 1), random(8, 5 + rows * dim, -1, 1)};
        PrefillLoops[] loops = {vector, scalar};
        for (float[] one : maxima) {
            Arrays.fill(one, PrefillLoops.LOWEST);
        }
        // The second tile rises by less than weights may grow, the third by more; the fourth is hidden here and there.
        for (int round = 0; round < 4; round++) {
            float[] fast = tile(round);
            for (int i = 0; i < fast.length; i++) {
                fast[i] += round == 1 ? 3 : round >= 2 ? 40 : 0;
                fast[i] = round == 3 && i % 5 == 0 ? Float.NEGATIVE_INFINITY : fast[i];
            }
            float[][] scores = {fast, fast.clone()};
            for (int i = 0; i < 2; i++) {
                loops[i].softmax(scores[i], rows, TOKENS, seen[0], seen[1], maxima[i], sums[i], acc[i], 5,
                        dim);
            }
            int[][] all = {new int[rows], new int[rows]};
            Arrays.fill(all[1], TOKENS);
            for (int r = 0; r < rows; r++) {
                assertEquals(maxima[1][r], maxima[0][r], "maximum of row " + r);
                assertEquals(sums[1][r], sums[0][r], sums[1][r] * 100 * U, "sum of row " + r);
                for (int t = 0; t < TOKENS; t++) {
                    float exact = scores[1][t * STRIDE + r];
                    // Below 2^-126 the vector loop flushes to 0.
                    assertEquals(exact, scores[0][t * STRIDE + r], exact * 4 * U + 0x1p-126, "row " + r);
                }
            }
            for (int i = 0; i < acc[0].length; i++) {
                assertEquals(acc[1][i], acc[0][i], 2 * U * Math.abs(acc[1][i]), "accumulator " + i);
            }
        }
    }

    /** Both add the tokens of an element in the same order with fused multiply-adds: no bit differs. */
    @ParameterizedTest
    @CsvSource({"1,32", "1,128", "2,256", "4,64", "11,96", "16,128", "60,32", "252,128", "256,192"})
    void weighingIsTheSameBitForBit(int rows, int dim) {
        int[][] seen = seen(rows, TOKENS);
        float[] p = tile(5);
        for (int r = 0; r < rows; r++) {
            for (int t = 0; t < TOKENS; t++) {
                p[t * STRIDE + r] = seen[0][r] <= t && t < seen[1][r] ? Math.abs(p[t * STRIDE + r]) : 0;
            }
        }
        float[] v = random(6, TOKENS * dim, -3, 3);
        float[] fast = random(7, rows * dim + 9, -1, 1);
        float[] plain = fast.clone();
        float[] alone = fast.clone();
        vector.weigh(p, rows, kept(vector, v, dim), dim, seen[0], seen[1], fast, 4);
        scalar.weigh(p, rows, kept(scalar, v, dim), dim, seen[0], seen[1], plain, 4);
        assertArrayEquals(plain, fast);
        for (int r = 0; r < rows; r++) {
            for (int t = seen[0][r]; t < seen[1][r]; t++) {
                vector.weighRow(p, r, kept(vector, v, dim), dim, t, t + 1, alone, 4);
            }
        }
        assertArrayEquals(plain, alone);
    }

    private static float[] kept(PrefillLoops loops, float[] v, int dim) {
        float[] values = new float[TOKENS * dim];
        for (int t = 0; t < TOKENS; t++) {
            loops.keep(Arrays.copyOfRange(v, t * dim, (t + 1) * dim), dim, values, t);
        }
        return values;
    }

    @Test
    void everyValueThatIsNotFiniteIsFound() {
        int dim = 96;
        for (PrefillLoops loops : new PrefillLoops[]{vector, scalar}) {
            for (int i = 0; i < 20 * dim; i++) {
                float[] v = random(i, TOKENS * dim, -3, 3);
                v[i] = i % 2 == 0 ? Float.NaN : Float.NEGATIVE_INFINITY;
                assertFalse(loops.finite(kept(loops, v, dim), 20, dim));
                assertTrue(loops.finite(kept(loops, v, dim), i / dim, dim));
            }
        }
    }
}
