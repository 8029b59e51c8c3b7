package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.backend.cpu.scalar.ScalarLoops;
import dev.heddle.backend.cpu.vector.VectorLoops;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.conformance.oracle.Oracle;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same kernel with vector and with scalar loops: both near the fp64 oracle, and near each other. */
class LoopsAgreeTest {
    private static final int[] GROUP_SIZES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 71};
    private static final int[] PAGE_SIZES = {1, 3, 16, 64};
    private static final DataType[] Q_DTYPES = {DataType.F32, DataType.F16, DataType.BF16};
    private static final double U = 0x1p-24; // one rounding to f32, relative

    @ParameterizedTest
    @CsvSource({"8,8", "24,24", "64,64", "80,80", "96,96", "128,128", "192,128", "256,256", "512,512"})
    void agreeForEveryGroupSize(int dimQk, int dimVo) {
        Random random = new Random(dimQk * 1000L + dimVo);
        int kvDtype = random.nextInt(6);
        for (int groupSize : GROUP_SIZES) {
            // Every K dtype with every head dim: six types, eleven group sizes.
            DataType kv = DataType.values()[kvDtype++ % DataType.values().length];
            int numKvHeads = 1 + random.nextInt(2);
            AttentionSpecBuilder builder = AttentionSpec.builder().numQoHeads(groupSize * numKvHeads)
                    .numKvHeads(numKvHeads).headDim(dimQk, dimVo)
                    .dtype(Q_DTYPES[random.nextInt(Q_DTYPES.length)])
                    .kvDtype(kv).outDtype(DataType.F32) // so that no rounding of out hides a difference
                    .pageSize(PAGE_SIZES[random.nextInt(PAGE_SIZES.length)])
                    .kvLayout(KvLayout.values()[random.nextInt(2)]);
            if (random.nextBoolean()) {
                builder.causal().windowLeft(random.nextInt(3) == 0 ? 20 : -1);
            }
            if (random.nextBoolean()) {
                builder.strided();
            }
            check(RequestBuilder.of(builder.build()).qoLens(1, 1 + random.nextInt(3), 20)
                    .kvLens(1 + random.nextInt(20), 20 + random.nextInt(60), 130).seed(random.nextLong())
                    .build());
        }
    }

    private static void check(Request request) {
        Output vector = SerialRun.run(request, new VectorLoops());
        Output scalar = SerialRun.run(request, new ScalarLoops());
        Expected exact = Oracle.attend(request.spec(), request.batch(), request.q(), request.kv(),
                request.heads());
        double outBound = outBound(request);
        double lseBound = scoreBound(request) + (request.batch().pageTable().maxKvLen() + 8) * U;
        for (int i = 0; i < vector.out().length; i++) {
            String where = "out " + i + " of " + request.spec();
            assertEquals(exact.out()[i], vector.out()[i], outBound, where);
            assertEquals(exact.out()[i], scalar.out()[i], outBound, where);
            assertEquals(scalar.out()[i], vector.out()[i], 2 * outBound, where);
        }
        for (int i = 0; i < vector.lse().length; i++) {
            String where = "lse " + i + " of " + request.spec();
            assertEquals(exact.lse()[i], vector.lse()[i], Math.min(lseBound, Kit.LSE_BOUND), where);
            assertEquals(exact.lse()[i], scalar.lse()[i], Math.min(lseBound, Kit.LSE_BOUND), where);
        }
    }

    /**
     * A score is a dot product of at most dim roundings in a row (fewer where one row is computed alone), of a q that
     * was rounded when the scale went in; by Cauchy and Schwarz its terms add up to |q|·|k| at most. One more
     * rounding each for the subtraction of the maximum and the exponent's reduction, of scores as large as that.
     */
    private static double scoreBound(Request request) {
        AttentionSpec spec = request.spec();
        double norms = spec.smScale() * largestQ(request) * largest(request, true);
        return (spec.headDimQk() + 20) * U * norms;
    }

    /**
     * A weight errs relatively by the error of its score twice (its own, that of the maximum cancels) and 2 ulp of
     * the exponential; sums of kvLen terms add kvLen roundings. Out is a mean of values by these weights.
     */
    private static double outBound(Request request) {
        double weight = 2 * scoreBound(request) + (2 * request.batch().pageTable().maxKvLen() + 16) * U;
        return weight * largest(request, false);
    }

    private static double largestQ(Request request) {
        float[] q = HostTensors.toFloats(request.q());
        int dim = request.spec().headDimQk();
        double largest = 0;
        for (int row = 0; row < q.length; row += dim) {
            double square = 0;
            for (int d = 0; d < dim; d++) {
                square += (double) q[row + d] * q[row + d];
            }
            largest = Math.max(largest, square);
        }
        return Math.sqrt(largest);
    }

    /** Returns the longest key, or the largest element of a value. */
    private static double largest(Request request, boolean keys) {
        AttentionSpec spec = request.spec();
        float[] row = new float[Math.max(spec.headDimQk(), spec.headDimVo())];
        double largest = 0;
        for (int page = 0; page < request.kv().numPages(); page++) {
            for (int slot = 0; slot < spec.pageSize(); slot++) {
                for (int head = 0; head < spec.numKvHeads(); head++) {
                    double square = 0;
                    if (keys) {
                        HostKvAccess.getKey(request.kv(), page, slot, head, row, 0);
                        for (int d = 0; d < spec.headDimQk(); d++) {
                            square += (double) row[d] * row[d];
                        }
                    } else {
                        HostKvAccess.getValue(request.kv(), page, slot, head, row, 0);
                        for (int d = 0; d < spec.headDimVo(); d++) {
                            square = Math.max(square, (double) row[d] * row[d]);
                        }
                    }
                    largest = Math.max(largest, square);
                }
            }
        }
        return Math.sqrt(largest);
    }
}
