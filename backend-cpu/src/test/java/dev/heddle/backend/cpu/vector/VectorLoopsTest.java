package dev.heddle.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.backend.cpu.scalar.ScalarLoops;
import java.util.Arrays;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each vector loop against its scalar reading copy. */
class VectorLoopsTest {
    private static final double U = 0x1p-24; // one rounding to f32, relative
    private static final int TOKENS = InnerLoops.TOKENS;

    private final VectorLoops vector = new VectorLoops();
    private final ScalarLoops scalar = new ScalarLoops();

    private static float[] random(long seed, int count, float low, float high) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = low + (high - low) * random.nextFloat();
        }
        return values;
    }

    /**
     * A sum of n products errs by at most depth · u · Σ|q·k|, where depth counts the roundings that a term goes
     * through: at most dim / 4 + 4 with the narrowest vectors and dim / 32 + 32 in the scalar loop. Both may err.
     */
    @ParameterizedTest
    @ValueSource(ints = {32, 64, 96, 128, 192, 256, 512})
    void scoresAgreeWithinTheRoundingOfTheirSums(int dim) {
        float[] q = random(dim, 7 + dim, -2, 2);
        float[] k = random(dim + 1, TOKENS * dim, -2, 2);
        float[] fast = new float[TOKENS + 5];
        float[] plain = new float[TOKENS + 5];
        vector.scores(q, 7, k, dim, fast, 3);
        scalar.scores(q, 7, k, dim, plain, 3);
        for (int t = 0; t < TOKENS; t++) {
            double exact = 0;
            double magnitude = 0;
            for (int d = 0; d < dim; d++) {
                exact += (double) q[7 + d] * k[t * dim + d];
                magnitude += Math.abs((double) q[7 + d] * k[t * dim + d]);
            }
            assertEquals(exact, fast[3 + t], (dim / 4 + 4) * U * magnitude, "vector, token " + t);
            assertEquals(exact, plain[3 + t], (dim / 32 + 32) * U * magnitude, "scalar, token " + t);
        }
        for (int i : new int[]{0, 1, 2, TOKENS + 3, TOKENS + 4}) {
            assertEquals(0, fast[i], "beside the scores");
        }
    }

    /**
     * The order of additions is part of the promise that runs repeat bit for bit: interpreted, compiled and warmed-up
     * code must agree, which {@code reduceLanes} does not promise. Compilation happens while this loops.
     */
    @Test
    void scoresAddTheirLanesInOneOrderBeforeAndAfterCompilation() {
        int lanes = Math.min(8, FloatVector.SPECIES_PREFERRED.length());
        int dim = 64;
        float[] k = random(4, TOKENS * dim, -2, 2);
        for (int round = 0; round < 30_000; round++) {
            float[] q = random(round, dim, -2, 2);
            float[] fast = new float[TOKENS];
            vector.scores(q, 0, k, dim, fast, 0);
            for (int t = round % 3; t < TOKENS; t += 3) {
                float[] sums = new float[lanes];
                for (int d = 0; d < dim; d++) {
                    sums[d % lanes] = Math.fma(q[d], k[t * dim + d], sums[d % lanes]);
                }
                for (int half = lanes / 2; half > 0; half /= 2) {
                    for (int lane = 0; lane < half; lane++) {
                        sums[lane] += sums[lane + half];
                    }
                }
                assertEquals(sums[0], fast[t], "round " + round + ", token " + t);
            }
        }
    }

    @Test
    void exponentialsAddUpInOneOrderBeforeAndAfterCompilation() {
        for (int round = 0; round < 30_000; round++) {
            float[] p = random(round, TOKENS, -5, 0);
            float sum = vector.exponentials(p, 0, 0);
            float[] sums = new float[4];
            for (int t = 0; t < TOKENS; t++) {
                sums[t % 4] += p[t];
            }
            assertEquals((sums[0] + sums[1]) + (sums[2] + sums[3]), sum, "round " + round);
        }
    }

    /** 1.5 ulp of the polynomial, half an ulp of the scalar loop; the sum adds up to 15 roundings. */
    @Test
    void exponentialsAgree() {
        for (int round = 0; round < 200; round++) {
            float[] fast = random(round, TOKENS + 4, -130, 0);
            fast[2 + round % TOKENS] = Float.NEGATIVE_INFINITY;
            float max = round % 7 - 3;
            for (int i = 0; i < fast.length; i++) {
                fast[i] += max;
            }
            float[] plain = fast.clone();
            float sum = vector.exponentials(fast, 2, max);
            assertEquals(scalar.exponentials(plain, 2, max), sum, sum * 20 * U);
            for (int i = 0; i < fast.length; i++) {
                // Below 2^-126 the vector loop flushes to 0.
                assertEquals(plain[i], fast[i], Math.abs(plain[i]) * 4 * U + 0x1p-126, "element " + i);
            }
            assertEquals(0f, fast[2 + round % TOKENS]);
            assertEquals(plain[0], fast[0], "beside the scores");
            assertEquals(plain[TOKENS + 2], fast[TOKENS + 2], "beside the scores");
        }
    }

    /** Both add the tokens of an element in the same order with fused multiply-adds: no bit differs. */
    @ParameterizedTest
    @ValueSource(ints = {32, 64, 96, 128, 192, 256, 512})
    void accumulationIsTheSameBitForBit(int dim) {
        float[] v = random(dim, TOKENS * dim, -3, 3);
        float[] p = random(dim + 1, TOKENS + 2, 0, 1);
        for (int from = 0; from < TOKENS; from++) {
            for (int to = from; to <= TOKENS; to++) {
                float[] fast = random(dim + 2, dim + 9, -1, 1);
                float[] plain = fast.clone();
                vector.accumulate(p, 2, from, to, v, dim, fast, 4);
                scalar.accumulate(p, 2, from, to, v, dim, plain, 4);
                assertArrayEquals(plain, fast, "tokens " + from + " to " + to);
            }
        }
    }

    @Test
    void tokensOutsideTheRangeAreNotTouchedEvenIfTheyAreNan() {
        float[] v = new float[TOKENS * 32];
        Arrays.fill(v, Float.NaN);
        Arrays.fill(v, 3 * 32, 5 * 32, 2);
        float[] p = new float[TOKENS];
        p[3] = 0.5f;
        p[4] = 0.25f;
        for (InnerLoops loops : new InnerLoops[]{vector, scalar}) {
            float[] acc = new float[32];
            loops.accumulate(p, 0, 3, 5, v, 32, acc, 0);
            float[] wanted = new float[32];
            Arrays.fill(wanted, 1.5f);
            assertArrayEquals(wanted, acc, loops.name());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 16, 48, 128, 514 / 16 * 16})
    void scalingIsTheSameBitForBit(int count) {
        float[] fast = random(count, count + 9, -3, 3);
        float[] plain = fast.clone();
        vector.scale(fast, 4, count, 0.3f);
        scalar.scale(plain, 4, count, 0.3f);
        assertArrayEquals(plain, fast);
        assertEquals(random(count, 1, -3, 3)[0], fast[0], "beside the row");
    }
}
