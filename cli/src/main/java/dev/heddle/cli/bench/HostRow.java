package dev.heddle.cli.bench;

import dev.heddle.cli.input.BenchShape;
import dev.heddle.cli.input.Case;
import dev.heddle.cli.limits.HostMeter;
import dev.heddle.cli.limits.Limits;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import java.util.Arrays;

/**
 * A shape that is being timed on the host: what every implementation's row of it has in common.
 *
 * @param threads threads that may compute
 * @param millis how long to count runs; warming up takes as long
 */
record HostRow(BenchShape shape, AttentionSpec spec, BatchShape batch, int threads, int millis,
        HostMeter meter) {
    private static final int MOST_COPIES = 1024;
    private static final int ATTEMPTS = 3;
    private static final double STEADY = 0.1;

    /** Something that returns the microseconds of each run. */
    interface Timed<E extends Exception> {
        double[] micros() throws E;
    }

    /**
     * What was timed between two measurements of the limits.
     *
     * @param sorted microseconds of each run, least first
     * @param limits the mean of the limits before and after
     * @param drift how far the two were apart for this row's work, as a share of the larger
     */
    record Measured(double[] sorted, Limits limits, double drift) {}

    /**
     * Times something, with the machine's limits measured right before and after. If the machine was another one after
     * than before, that says little: it is timed again, and the attempt with the steadiest limits counts.
     *
     * @param kvBytes bytes of K and V that a run reads
     */
    <E extends Exception> Measured measure(double kvBytes, Timed<E> timed) throws E {
        Measured best = measureOnce(kvBytes, timed);
        for (int i = 1; i < ATTEMPTS && best.drift() > STEADY; i++) {
            Measured again = measureOnce(kvBytes, timed);
            best = again.drift() < best.drift() ? again : best;
        }
        return best;
    }

    private <E extends Exception> Measured measureOnce(double kvBytes, Timed<E> timed) throws E {
        Limits before = meter.measure(threads);
        double[] micros = timed.micros();
        Limits after = meter.measure(threads);
        Arrays.sort(micros);
        double first = before.micros(kvBytes, flops());
        double second = after.micros(kvBytes, flops());
        return new Measured(micros, before.between(after),
                Math.abs(first - second) / Math.max(first, second));
    }

    /** Returns how many copies of K and V of so many bytes take more than twice the largest cache. */
    static int copies(double kvBytes) {
        return Math.clamp((long) (2.0 * HostMeter.cacheBytes() / Math.max(1, kvBytes)) + 1, 1,
                MOST_COPIES);
    }

    /** Returns the bytes of K and V where an element has so many bytes in place of its own. */
    double kvBytes(Case input, int elementBytes) {
        return input.kvBytes() / spec.kvBytesPerToken() * spec.numKvHeads()
                * (spec.headDimQk() + spec.headDimVo()) * elementBytes;
    }

    /** Returns the operations of a run. */
    double flops() {
        double pairs = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            double qoLen = batch.qoLen(i);
            double kvLen = batch.kvLen(i);
            pairs += qoLen * (spec.causal() ? kvLen - (qoLen - 1) / 2 : kvLen);
        }
        return pairs * 2 * spec.numQoHeads() * (spec.headDimQk() + spec.headDimVo());
    }

    /** Returns Heddle's row. */
    BenchRow row(String backend, Measured measured, double kvBytes, double planMicros) {
        return row(backend, shape.dtype(), spec.kDtype().id(), shape.pageSize(), measured, kvBytes,
                planMicros,
                Double.NaN, true, Double.NaN);
    }

    /** Returns a peer's row. Peers have no pages. */
    BenchRow row(String peer, String kvDtype, Measured measured, double kvBytes, Difference difference,
            double heddleMicros) {
        return row(peer, "f32", kvDtype, 0, measured, kvBytes, Double.NaN, difference.most(),
                difference.agrees(),
                median(measured) / heddleMicros);
    }

    private BenchRow row(String impl, String dtype, String kvDtype, int pageSize, Measured measured,
            double kvBytes,
            double planMicros, double difference, boolean agrees, double timesHeddle) {
        double[] sorted = measured.sorted();
        double flops = flops();
        HostFigures host = new HostFigures(threads, sorted.length, DeviceBench.quantile(sorted, 0.25),
                DeviceBench.quantile(sorted, 0.75), planMicros, flops, measured.limits(), measured.drift(),
                difference, agrees,
                timesHeddle);
        return new BenchRow(impl, spec.numQoHeads(), spec.numKvHeads(), spec.headDimQk(), dtype, kvDtype,
                pageSize,
                shape.batch(), shape.causal(), kvBytes, median(measured), DeviceBench.quantile(sorted, 0.2),
                DeviceBench.quantile(sorted, 0.8), measured.limits().micros(kvBytes, flops), host);
    }

    static double median(Measured measured) {
        return DeviceBench.quantile(measured.sorted(), 0.5);
    }
}
