package dev.heddle.cli;

import dev.heddle.cli.input.Case;
import dev.heddle.conformance.oracle.Bounds;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.conformance.oracle.Oracle;
import dev.heddle.conformance.oracle.ReferenceError;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Compares results with a file's kept answer, or with the fp64 oracle on as many requests as seconds allow. */
final class Verifier {
    private static final double LSE_BOUND = 1e-3;
    /** Query heads × keys that the oracle takes in about a second on two cores. */
    private static final long ORACLE_WORK = 1_000_000;

    private final Case input;
    private final float[] out;
    private final float @Nullable [] lse;
    private double maxError;
    private double sumError;
    private long elements;
    private double lseError;
    private String worst = "";
    private String broken = "";

    private Verifier(Case input, float[] out, float @Nullable [] lse) {
        this.input = input;
        this.out = out;
        this.lse = lse;
    }

    /** Compares all rows with the answer that the case keeps. */
    static Verdict againstAnswer(Case input, float[] out, float @Nullable [] lse) {
        Case.Answer answer = input.answer();
        Verifier verifier = new Verifier(input, out, lse);
        verifier.compare(0, input.batch().totalQoLen(), widen(answer.out()), widen(answer.lse()));
        double maxBound = answer.maxBound();
        double meanBound = answer.meanBound();
        if (Double.isNaN(maxBound) || Double.isNaN(meanBound)) {
            // Against the true answer: measured against a wrong one, the bound would grow with the wrong.
            Expected exact = Oracle.attend(
                    input.spec(), input.batch(), input.q(), input.kv(), input.heads());
            Bounds bounds = ReferenceError.bounds(
                    input.spec(), input.batch(), input.q(), input.kv(), input.heads(), exact);
            maxBound = bounds.max();
            meanBound = bounds.mean();
        }
        return verifier.verdict(maxBound, meanBound, "all rows, against the file's fp64 answer");
    }

    /** Compares whole requests with the oracle, spread over the batch. */
    static Verdict againstOracle(Case input, float[] out, float @Nullable [] lse) {
        Verifier verifier = new Verifier(input, out, lse);
        List<Integer> requests = affordable(input);
        double maxBound = 0;
        double meanBound = 0;
        for (Exact exact : requests.parallelStream().map(request -> exact(input, request)).toList()) {
            maxBound = Math.max(maxBound, exact.bounds().max());
            meanBound = Math.max(meanBound, exact.bounds().mean());
            BatchShape batch = input.batch();
            verifier.compare(batch.qoIndptr(exact.request()), batch.qoLen(exact.request()),
                    exact.values().out(), exact.values().lse());
        }
        int all = input.batch().batchSize();
        String coverage = requests.size() == all
                ? "all " + all + " requests, against fp64"
                : requests.size() + " of " + all + " requests, against fp64";
        return verifier.verdict(maxBound, meanBound, coverage);
    }

    private record Exact(int request, Expected values, Bounds bounds) {}

    private static Exact exact(Case input, int request) {
        BatchShape one = only(input.batch(), request);
        Tensor q = rows(input.q(), input.batch().qoIndptr(request), input.batch().qoLen(request));
        Expected values = Oracle.attend(input.spec(), one, q, input.kv(), input.heads());
        return new Exact(request, values,
                ReferenceError.bounds(input.spec(), one, q, input.kv(), input.heads(), values));
    }

    private static List<Integer> affordable(Case input) {
        BatchShape batch = input.batch();
        List<Integer> requests = new ArrayList<>();
        long work = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            int request = (int) ((long) i * 7919 % batch.batchSize()); // a prime's stride: spread over the batch
            long more = (long) batch.qoLen(request) * batch.kvLen(request) * input.spec().numQoHeads();
            if (!requests.contains(request) && (requests.isEmpty() || work + more <= ORACLE_WORK)) {
                requests.add(request);
                work += more;
            }
        }
        return requests;
    }

    private static BatchShape only(BatchShape batch, int request) {
        PageTable table = batch.pageTable();
        int[] ids = new int[table.pages(request)];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = table.kvIndex(table.kvIndptr(request) + i);
        }
        return BatchShape.of(new int[]{0, batch.qoLen(request)},
                PageTable.of(table.pageSize(), table.poolPages(),
                        new int[]{0, ids.length}, ids, new int[]{table.kvLastPageLen(request)}));
    }

    private static Tensor rows(Tensor q, int first, int count) {
        return Tensor.strided(q.buffer(), q.byteOffset() + first * q.stride(0) * q.dtype().byteSize(),
                q.dtype(),
                new long[]{count, q.extent(1), q.extent(2)}, new long[]{q.stride(0), q.stride(1), 1});
    }

    private void compare(int firstRow, int rows, double[] exactOut, double[] exactLse) {
        AttentionSpec spec = input.spec();
        int heads = spec.numQoHeads();
        int dim = spec.headDimVo();
        for (int i = 0; i < rows * heads; i++) {
            int row = firstRow + i / heads;
            int head = i % heads;
            int at = row * heads + head;
            for (int d = 0; d < dim; d++) {
                double expected = exactOut[i * dim + d];
                double got = out[at * dim + d];
                // NaN where the answer has none is as wrong as can be; NaN in both agrees (rule 3.07).
                double error = Double.isNaN(expected) && Double.isNaN(got) ? 0 : Math.abs(got - expected);
                error = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
                sumError += error;
                elements++;
                if (error > maxError) {
                    maxError = error;
                    worst = String.format(Locale.ROOT, "%s element %d: got %.7g, expected %.7g",
                            place(row, head), d, got,
                            expected);
                }
                if (exactLse[i] == Double.NEGATIVE_INFINITY && got != 0) {
                    broken = place(row, head) + " sees no key and must be zero, got " + got;
                }
            }
            if (lse != null) {
                compareLse(row, head, lse[at], exactLse[i]);
            }
        }
    }

    private void compareLse(int row, int head, double got, double expected) {
        if (got == expected || (Double.isNaN(got) && Double.isNaN(expected))) {
            return;
        }
        double error = Math.abs(got - expected);
        error = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
        lseError = Math.max(lseError, error);
        if (error > LSE_BOUND && broken.isEmpty()) {
            broken = "LSE of " + place(row, head) + " must be " + expected + " within " + LSE_BOUND + ", got "
                    + got;
        }
    }

    private String place(int row, int head) {
        int request = 0;
        while (input.batch().qoIndptr(request + 1) <= row) {
            request++;
        }
        return "request " + request + " row " + row + " head " + head;
    }

    private Verdict verdict(double maxBound, double meanBound, String coverage) {
        double meanError = elements == 0 ? 0 : sumError / elements;
        String failure = null;
        if (maxError > maxBound) {
            failure = String.format(Locale.ROOT, "largest error %.3g, at most %.3g allowed, at %s", maxError,
                    maxBound, worst);
        } else if (meanError > meanBound) {
            failure = String.format(Locale.ROOT,
                    "mean error %.3g, at most %.3g allowed; the largest is %.3g at %s",
                    meanError, meanBound, maxError, worst);
        } else if (!broken.isEmpty()) {
            failure = broken;
        }
        return new Verdict(failure == null, failure, maxError, maxBound, meanError, meanBound,
                lse == null ? Double.NaN : lseError,
                coverage);
    }

    private static double[] widen(Tensor tensor) {
        float[] values = HostTensors.toFloats(tensor);
        double[] wide = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }
}
