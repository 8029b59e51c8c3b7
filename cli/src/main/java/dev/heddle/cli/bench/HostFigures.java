package dev.heddle.cli.bench;

import com.google.gson.JsonObject;
import dev.heddle.cli.limits.Limits;
import java.util.Locale;

/**
 * What a row on the host has beyond its time. Figures that were not measured are NaN.
 *
 * @param threads threads that computed
 * @param runs counted runs
 * @param p25 time that a quarter of the runs came under, microseconds
 * @param p75 time that three quarters of the runs came under
 * @param planMicros median time of a plan
 * @param flops operations of a run
 * @param limits what the machine did at most right before and after the runs, on as many threads
 * @param drift how far the limits before and after were apart, as a share of the larger
 * @param maxDifference largest difference of an element from Heddle's result
 * @param agrees whether that is within what the output's type allows; true for Heddle itself
 * @param timesHeddle this time over Heddle's on the same row
 */
record HostFigures(int threads, int runs, double p25, double p75, double planMicros, double flops,
        Limits limits,
        double drift,
        double maxDifference, boolean agrees, double timesHeddle) {
    private static final double UNSTEADY = 0.1;

    /** What these figures add to the first line of a file of rows. */
    static final String CSV_HEADER =
            ",threads,runs,p25_us,p75_us,plan_us,read_gbytes_per_s,fma_gflops,limit_drift,share,max_difference,times_heddle";

    /** Returns what stands behind a row for people. */
    String line(BenchRow row) {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT,
                "%-18s %-6s D%-3d %-9s %-4s %-12s %d thr %10.1f µs (%.1f–%.1f)  %6.2f × limit, share %.2f",
                row.impl(), row.numQoHeads() + "/" + row.numKvHeads(), row.headDim(), row.kvDtype(),
                row.pageSize() == 0 ? "" : "p" + row.pageSize(), row.batch(), threads, row.micros(), p25, p75,
                row.ratio(), 1 / row.ratio()));
        line.append(byArithmetic(row)
                ? String.format(Locale.ROOT, "  %.0f of %.0f GFLOP/s", flops / row.micros() / 1e3,
                        limits.fmaGflops())
                : String.format(Locale.ROOT, "  %.1f of %.1f GB/s", row.gbytesPerSecond(),
                        limits.readGbytesPerSecond()));
        if (Double.isFinite(planMicros)) {
            line.append(String.format(Locale.ROOT, "  plan %.1f µs", planMicros));
        }
        if (Double.isFinite(timesHeddle)) {
            line.append(String.format(Locale.ROOT, "  Heddle's × %.2f", timesHeddle));
        }
        if (Double.isFinite(maxDifference) || !agrees) {
            line.append(String.format(Locale.ROOT, "  differs by %.1e", maxDifference));
        }
        if (drift > UNSTEADY) {
            line.append(String.format(Locale.ROOT, "  (the limit moved by %.0f %%)", 100 * drift));
        }
        return line.append(agrees ? "" : " NOT THE SAME RESULT").toString();
    }

    private boolean byArithmetic(BenchRow row) {
        return flops / limits.fmaGflops() > row.kvBytes() / limits.readGbytesPerSecond();
    }

    /** Returns the cells for {@link #CSV_HEADER}; for a row without such figures they are empty. */
    static String csv(BenchRow row) {
        HostFigures host = row.host();
        if (host == null) {
            return ",".repeat((int) CSV_HEADER.chars().filter(c -> c == ',').count());
        }
        return String.join(",", "", String.valueOf(host.threads), String.valueOf(host.runs),
                BenchRow.cell(host.p25), BenchRow.cell(host.p75), BenchRow.cell(host.planMicros),
                BenchRow.cell(host.limits.readGbytesPerSecond()), BenchRow.cell(host.limits.fmaGflops()),
                BenchRow.cell(host.drift), BenchRow.cell(1 / row.ratio()), BenchRow.cell(host.maxDifference),
                BenchRow.cell(host.timesHeddle));
    }

    void addTo(JsonObject one, BenchRow row) {
        one.addProperty("threads", threads);
        one.addProperty("runs", runs);
        one.addProperty("p25_us", p25);
        one.addProperty("p75_us", p75);
        one.addProperty("iqr_us", p75 - p25);
        one.addProperty("flops", flops);
        one.addProperty("gflops_per_s", flops / row.micros() / 1e3);
        one.addProperty("read_gbytes_per_s", limits.readGbytesPerSecond());
        one.addProperty("fma_gflops", limits.fmaGflops());
        one.addProperty("limit_drift", drift);
        one.addProperty("limited_by", byArithmetic(row) ? "arithmetic" : "memory");
        one.addProperty("share", 1 / row.ratio());
        if (Double.isFinite(planMicros)) {
            one.addProperty("plan_us", planMicros);
        }
        if (Double.isFinite(timesHeddle)) {
            one.addProperty("times_heddle", timesHeddle);
            one.addProperty("max_difference", Double.isFinite(maxDifference) ? maxDifference : null);
            one.addProperty("agrees", agrees);
        }
    }
}
