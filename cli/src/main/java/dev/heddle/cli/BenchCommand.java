package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.input.BatchText;
import dev.heddle.cli.input.BenchShape;
import dev.heddle.cli.input.Case;
import dev.heddle.cli.input.MadeUp;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.UnknownBackendException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code heddle bench}. */
@Command(name = "bench", description = "Time shapes beside the machine's limits, measured in the same run.")
final class BenchCommand implements Callable<Integer> {
    @Mixin
    private CommonFlags common = new CommonFlags();

    @Option(names = "--shapes", paramLabel = "FILE",
            description = "CSV: heads,head_dim,dtype,kv_dtype,page_size,batch,causal (default: a few of each kind)")
    private @Nullable Path shapes;

    @Option(names = "--backend", paramLabel = "ID", description = "a backend or all (default: all)",
            defaultValue = "all")
    private String backend = "all";

    @Override
    public Integer call() throws IOException {
        List<BenchShape> rows = shapes == null ? BenchShape.DEFAULTS : BenchShape.read(shapes);
        JsonArray json = new JsonArray();
        try (Heddle heddle = common.heddle().open()) {
            List<String> ids = backend.equals("all") ? heddle.backends().stream()
                    .filter(b -> b.status() == BackendReport.Status.AVAILABLE).map(BackendReport::id).toList()
                    : List.of(backend);
            List<String> known = heddle.backends().stream().map(BackendReport::id).toList();
            if (!known.containsAll(ids)) {
                throw new UnknownBackendException(backend, known);
            }
            Limits limits = Limits.measure();
            if (!common.json) {
                common.out()
                        .println(String.format(Locale.ROOT, "limits: read %.1f GB/s, f32 FMA %.0f GFLOP/s",
                                limits.readGbytesPerSecond(), limits.fmaGflops()));
            }
            try (ProgressBar bar = Progress.bar("bench", (long) rows.size() * ids.size())) {
                for (BenchShape row : rows) {
                    var spec = row.spec();
                    var batch = MadeUp.batch(spec, BatchText.parse(row.batch()), 1);
                    try (Case input = MadeUp.of("bench", spec, batch, 1)) {
                        for (String id : ids) {
                            json.add(row(row, input, new Runner(heddle, true).run(input, id), limits));
                            bar.step();
                        }
                    }
                }
            }
            if (common.json) {
                JsonObject document = new JsonObject();
                JsonObject limit = new JsonObject();
                limit.addProperty("read_gbytes_per_s", limits.readGbytesPerSecond());
                limit.addProperty("fma_gflops", limits.fmaGflops());
                document.add("limits", limit);
                document.add("rows", json);
                common.print(document);
            }
        }
        return 0;
    }

    private JsonObject row(BenchShape shape, Case input, Runner.Result result, Limits limits) {
        double flops = 0;
        for (int i = 0; i < input.batch().batchSize(); i++) {
            double qoLen = input.batch().qoLen(i);
            double kvLen = input.batch().kvLen(i);
            flops += qoLen * (shape.causal() ? kvLen - (qoLen - 1) / 2 : kvLen);
        }
        flops *= 2.0 * input.spec().numQoHeads() * (input.spec().headDimQk() + input.spec().headDimVo());
        double limit =
                Math.max(input.kvBytes() / limits.readGbytesPerSecond(), flops / limits.fmaGflops()) / 1e3;
        double ratio = result.micros() / limit;
        if (!common.json) {
            common.out().println(String.format(Locale.ROOT,
                    "%-12s %-6s D%-4d %-9s page %-3d %-12s %9.0f µs %6.1f GB/s  %.2f × the limit (%.0f %% of it)",
                    result.backend(), shape.heads(), input.spec().headDimQk(), shape.kvDtype(),
                    shape.pageSize(),
                    shape.batch(), result.micros(), input.kvBytes() / result.micros() / 1e3, ratio,
                    100 / ratio));
        }
        JsonObject one = new JsonObject();
        one.addProperty("impl", result.backend());
        one.addProperty("num_qo_heads", input.spec().numQoHeads());
        one.addProperty("num_kv_heads", input.spec().numKvHeads());
        one.addProperty("head_dim", input.spec().headDimQk());
        one.addProperty("dtype", shape.dtype());
        one.addProperty("kv_dtype", shape.kvDtype());
        one.addProperty("page_size", shape.pageSize());
        one.addProperty("batch", shape.batch());
        one.addProperty("causal", shape.causal());
        one.addProperty("time_us", result.micros());
        one.addProperty("limit_us", limit);
        one.addProperty("ratio", ratio);
        return one;
    }
}
