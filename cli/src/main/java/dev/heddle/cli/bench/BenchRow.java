package dev.heddle.cli.bench;

import com.google.gson.JsonObject;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One timed shape of one implementation. Figures that were not measured are NaN.
 *
 * @param impl a backend's id, or a peer's name
 * @param kvBytes bytes of K and V that the batch reads, each once
 * @param micros median time of a run
 * @param p20 time that a fifth of the runs came under
 * @param p80 time that four fifths of the runs came under
 * @param limitMicros the least time that this machine needs
 * @param host what was measured on the host, or null for a device
 */
record BenchRow(
        String impl,
        int numQoHeads,
        int numKvHeads,
        int headDim,
        String dtype,
        String kvDtype,
        int pageSize,
        String batch,
        boolean causal,
        double kvBytes,
        double micros,
        double p20,
        double p80,
        double limitMicros,
        @Nullable HostFigures host) {
    /** The first line of a file of rows. */
    static final String CSV_HEADER =
            "impl,num_qo_heads,num_kv_heads,head_dim,dtype,kv_dtype,page_size,batch,causal,"
                    + "kv_bytes,time_us,p20_us,p80_us,limit_us,ratio,gbytes_per_s" + HostFigures.CSV_HEADER;

    /** A row of a device, or of a peer that was timed elsewhere. */
    BenchRow(String impl, int numQoHeads, int numKvHeads, int headDim, String dtype, String kvDtype,
            int pageSize,
            String batch, boolean causal, double kvBytes, double micros, double p20, double p80,
            double limitMicros) {
        this(impl, numQoHeads, numKvHeads, headDim, dtype, kvDtype, pageSize, batch, causal, kvBytes, micros,
                p20,
                p80, limitMicros, null);
    }

    /** Returns how many times the limit a run takes. */
    double ratio() {
        return micros / limitMicros;
    }

    double gbytesPerSecond() {
        return kvBytes / micros / 1e3;
    }

    /** Returns the row for people. */
    String line() {
        return host != null ? host.line(this) : String.format(Locale.ROOT,
                "%-14s %-6s D%-4d %-4s %-9s page %-3d %-11s %7.1f MB %9.1f µs (%.1f–%.1f)  limit %8.1f µs  "
                        + "%5.2f × = limit + %.1f µs  %7.1f GB/s",
                impl, numQoHeads + "/" + numKvHeads, headDim, dtype, kvDtype, pageSize, batch, kvBytes / 1e6,
                micros, p20, p80, limitMicros, ratio(), micros - limitMicros, gbytesPerSecond());
    }

    /** Returns the row as a line of CSV; the comma between the items of a batch becomes a plus. */
    String csv() {
        return String.format(Locale.ROOT, "%s,%d,%d,%d,%s,%s,%d,%s,%b,%.0f,%s,%s,%s,%s,%s,%s%s", impl,
                numQoHeads,
                numKvHeads, headDim, dtype, kvDtype, pageSize, batch.replace(',', '+'), causal, kvBytes,
                cell(micros), cell(p20), cell(p80), cell(limitMicros), cell(ratio()),
                cell(gbytesPerSecond()), HostFigures.csv(this));
    }

    /** Returns a figure for a file; one that was not measured is empty. */
    static String cell(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%.4g", value) : "";
    }

    /** Returns the row as the contract of {@code --json} has it. */
    JsonObject json() {
        JsonObject one = new JsonObject();
        one.addProperty("impl", impl);
        one.addProperty("num_qo_heads", numQoHeads);
        one.addProperty("num_kv_heads", numKvHeads);
        one.addProperty("head_dim", headDim);
        one.addProperty("dtype", dtype);
        one.addProperty("kv_dtype", kvDtype);
        one.addProperty("page_size", pageSize);
        one.addProperty("batch", batch);
        one.addProperty("causal", causal);
        one.addProperty("kv_bytes", kvBytes);
        one.addProperty("time_us", micros);
        if (Double.isFinite(p20)) {
            one.addProperty("p20_us", p20);
            one.addProperty("p80_us", p80);
        }
        if (Double.isFinite(limitMicros)) {
            one.addProperty("limit_us", limitMicros);
            one.addProperty("ratio", ratio());
        }
        one.addProperty("gbytes_per_s", gbytesPerSecond());
        if (host != null) {
            host.addTo(one, this);
        }
        return one;
    }
}
