package dev.heddle.conformance.oracle;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.tensor.DataType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bounds of f32 let every order of summation pass, and nothing that lost six of its 24 bits. */
class ReferenceErrorTest {
    private static final int SEEDS = 200;
    private static final int LOST = 6;

    private record Problem(Request request, Expected exact, Bounds bounds) {
        static Problem of(int dim, int kvLen, long seed) {
            AttentionSpec spec = AttentionSpec.builder().numQoHeads(2).numKvHeads(1).headDim(dim)
                    .dtype(DataType.F32).pageSize(4).build();
            Request request = RequestBuilder.of(spec).qoLens(1).kvLens(kvLen).seed(seed).build();
            Expected exact =
                    Oracle.attend(spec, request.batch(), request.q(), request.kv(), request.heads());
            return new Problem(request, exact, ReferenceError.bounds(spec, request.batch(), request.q(),
                    request.kv(), request.heads(), exact));
        }

        boolean allows(float[] out) {
            double max = 0;
            double sum = 0;
            for (int i = 0; i < out.length; i++) {
                double error = Math.abs(out[i] - exact.out()[i]);
                max = Math.max(max, error);
                sum += error;
            }
            return max <= bounds.max() && sum / out.length <= bounds.mean();
        }

        float[] rounded(int lost) {
            float[] out = new float[exact.out().length];
            for (int i = 0; i < out.length; i++) {
                out[i] = Float.intBitsToFloat(
                        Float.floatToRawIntBits((float) exact.out()[i]) >>> lost << lost);
            }
            return out;
        }

        /** Attention in f32, every sum in an order of its own. */
        float[] inAnyOrder(Random random) {
            int dim = request.dim();
            float[][] keys = HostInputs.tokens(request.kv().k(), request.batch(), 0, 0, dim);
            float[][] values = HostInputs.tokens(request.kv().v(), request.batch(), 0, 0, dim);
            float[] out = new float[exact.out().length];
            for (int head = 0; head < request.spec().numQoHeads(); head++) {
                float[] query = HostInputs.row(request.q(), 0, head);
                float[] weights = new float[keys.length];
                float max = Float.NEGATIVE_INFINITY;
                for (int key = 0; key < keys.length; key++) {
                    for (int d : order(dim, random)) {
                        weights[key] += query[d] * keys[key][d];
                    }
                    weights[key] *= request.spec().smScale();
                    max = Math.max(max, weights[key]);
                }
                float sum = 0;
                for (int key : order(keys.length, random)) {
                    weights[key] = (float) Math.exp(weights[key] - max);
                    sum += weights[key];
                }
                for (int key : order(keys.length, random)) {
                    for (int d = 0; d < dim; d++) {
                        out[head * dim + d] += weights[key] * values[key][d];
                    }
                }
                for (int d = 0; d < dim; d++) {
                    out[head * dim + d] /= sum;
                }
            }
            return out;
        }

        private static List<Integer> order(int count, Random random) {
            List<Integer> order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
            Collections.shuffle(order, random);
            return order;
        }
    }

    @ParameterizedTest
    @CsvSource({"8,1", "8,2", "8,9", "8,64", "64,1", "64,9", "64,64", "256,3", "256,100"})
    void everyOrderOfSummationPasses(int dim, int kvLen) {
        Random random = new Random(1);
        for (int seed = 0; seed < SEEDS; seed++) {
            Problem problem = Problem.of(dim, kvLen, seed);
            assertTrue(problem.allows(problem.rounded(0)), "the exact result, seed " + seed);
            assertTrue(problem.allows(problem.inAnyOrder(random)), "seed " + seed);
        }
    }

    @ParameterizedTest
    @CsvSource({"8,1", "8,2", "8,9", "8,64", "8,400", "64,1", "64,9", "64,400", "256,3", "256,400"})
    void lostBitsAreFound(int dim, int kvLen) {
        for (int seed = 0; seed < SEEDS / 4; seed++) {
            Problem problem = Problem.of(dim, kvLen, seed);
            assertFalse(problem.allows(problem.rounded(LOST)), "seed " + seed);
        }
    }
}
