package dev.heddle.conformance;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.oracle.Bounds;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.core.attention.Accuracy;

/** Holds an output against the oracle's. */
final class Comparison {
    private final Request request;
    private final Output output;
    private final Expected expected;
    private int worstAt;
    private int worstLseAt;

    Comparison(Request request, Output output, Expected expected) {
        this.request = request;
        this.output = output;
        this.expected = expected;
    }

    ErrorStats stats(Bounds bounds) {
        double max = 0;
        double sum = 0;
        for (int i = 0; i < output.out().length; i++) {
            double error = error(output.out()[i], expected.out()[i]);
            sum += error;
            if (error > max) {
                max = error;
                worstAt = i;
            }
        }
        double lse = 0;
        for (int i = 0; i < output.lse().length; i++) {
            double error = error(output.lse()[i], expected.lse()[i]);
            if (error > lse) {
                lse = error;
                worstLseAt = i;
            }
        }
        double mean = output.out().length == 0 ? 0 : sum / output.out().length;
        return new ErrorStats(max, bounds.max(), mean, bounds.mean(), lse);
    }

    /** Equal values, NaN and infinities included, have no error; a NaN or infinity out of place has infinite error. */
    private static double error(float got, double wanted) {
        if (Double.isNaN(wanted) || Double.isInfinite(wanted)) {
            return Double.compare(got, wanted) == 0 ? 0 : Double.POSITIVE_INFINITY;
        }
        double error = Math.abs(got - wanted);
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }

    void require(ErrorStats stats) {
        // A reduced accuracy class promises no bound of its own: a hundredfold tells an approximation from a fault.
        double slack = request.spec().accuracy() == Accuracy.REDUCED ? 100 : 1;
        if (stats.lseError() > Kit.LSE_BOUND * slack) {
            int at = worstLseAt;
            throw new ConformanceFailure("LSE of " + place(at / request.spec().numQoHeads(),
                    at % request.spec().numQoHeads(), -1)
                    + " is " + output.lse()[at] + ", the oracle has " + expected.lse()[at] + "; "
                    + Kit.LSE_BOUND * slack + " is allowed");
        }
        if (stats.maxError() > stats.maxBound() * slack) {
            int dim = request.dim();
            int head = worstAt / dim % request.spec().numQoHeads();
            int row = worstAt / dim / request.spec().numQoHeads();
            throw new ConformanceFailure("out of " + place(row, head, worstAt % dim) + " is "
                    + output.out()[worstAt]
                    + ", the oracle has " + expected.out()[worstAt] + ": max error " + stats.maxError()
                    + " exceeds "
                    + stats.maxBound() + " (2 x that of a reference that rounds where the dtype does)");
        }
        if (stats.meanError() > stats.meanBound() * slack) {
            throw new ConformanceFailure("mean error of out is " + stats.meanError() + ", more than "
                    + stats.meanBound() + " (1.5 x that of a reference that rounds where the dtype does); "
                    + request.spec() + ", " + request.batch());
        }
    }

    private String place(int row, int head, int element) {
        int i = 0;
        while (i < request.batch().batchSize() - 1 && row >= request.batch().qoIndptr(i + 1)) {
            i++;
        }
        return "request " + i + " (qo_len " + request.batch().qoLen(i) + ", kv_len "
                + request.batch().kvLen(i)
                + "), query row " + (row - request.batch().qoIndptr(i)) + ", head " + head
                + (element < 0 ? "" : ", element " + element) + " of " + request.spec();
    }
}
