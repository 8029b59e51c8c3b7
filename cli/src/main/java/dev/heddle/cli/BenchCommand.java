package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.input.BatchText;
import dev.heddle.cli.input.BenchShape;
import dev.heddle.cli.input.Case;
import dev.heddle.cli.input.MadeUp;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.OutOfDeviceMemoryException;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.UnknownBackendException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
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

    @Option(names = "--repeats", paramLabel = "N", defaultValue = "40",
            description = "timed runs of each row on a device (default: 40)")
    private int repeats = 40;

    @Option(names = "--host-cost",
            description = "also time what a layer costs the calling thread, eager and replayed (devices only)")
    private boolean hostCost;

    @Option(names = "--peers", paramLabel = "FILE",
            description = "CSV of other implementations' times, shown beside: "
                    + PeerFile.HEADER)
    private @Nullable Path peers;

    @Option(names = "--csv", paramLabel = "FILE", description = "write the rows to a file, too")
    private @Nullable Path csv;

    @Option(names = "--plot", paramLabel = "OUT.svg",
            description = "draw ratio over bytes and time over group size")
    private @Nullable Path plot;

    private final List<BenchRow> rows = new ArrayList<>();
    private final JsonArray json = new JsonArray();
    private final JsonArray skipped = new JsonArray();
    private @Nullable RuntimeException refusal;

    @Override
    public Integer call() throws IOException {
        if (repeats < 1) {
            throw new IllegalArgumentException("--repeats must be 1 or more, got " + repeats);
        }
        List<BenchShape> asked = shapes == null ? List.of() : BenchShape.read(shapes);
        List<PeerFile.Row> others = peers == null ? List.of() : PeerFile.read(peers);
        JsonObject limits = new JsonObject();
        try (Heddle heddle = common.heddle().open()) {
            Map<MemorySpaceId, List<String>> spaces = spaces(heddle);
            JsonArray devices = new JsonArray();
            limits.add("read_gbytes_per_s", null);
            limits.add("fma_gflops", null);
            for (Map.Entry<MemorySpaceId, List<String>> one : spaces.entrySet()) {
                MemorySpace space = heddle.memorySpace(one.getKey());
                var meter = space.meter();
                if (meter.isEmpty()) {
                    onHost(heddle, one.getValue(), shapes == null ? BenchShape.DEFAULTS : asked, limits);
                } else {
                    DeviceBench bench = new DeviceBench(heddle, space, meter.get(), repeats, hostCost);
                    devices.add(onDevice(bench, one.getKey(), one.getValue(),
                            shapes == null ? BenchShape.deviceDefaults() : asked, others));
                    if (limits.get("read_gbytes_per_s").isJsonNull()) {
                        limits.addProperty("read_gbytes_per_s", bench.readGbytesPerSecond());
                    }
                }
            }
            limits.add("devices", devices);
        }
        if (rows.isEmpty() && refusal != null) {
            throw refusal; // nothing was timed: that is no success
        }
        if (csv != null) {
            BenchFiles.csv(rows, csv);
        }
        if (plot != null) {
            BenchPlot.write(rows, plot);
        }
        if (common.json) {
            JsonObject document = new JsonObject();
            document.add("limits", limits);
            document.add("rows", json);
            document.add("skipped", skipped);
            common.print(document);
        }
        return 0;
    }

    /** Returns the backends to time by the memory they read. */
    private Map<MemorySpaceId, List<String>> spaces(Heddle heddle) {
        List<BackendReport> all = heddle.backends();
        if (!backend.equals("all") && all.stream().noneMatch(b -> b.id().equals(backend))) {
            throw new UnknownBackendException(backend, all.stream().map(BackendReport::id).toList());
        }
        Map<MemorySpaceId, List<String>> spaces =
                new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
        for (BackendReport report : all) {
            boolean named = report.id().equals(backend);
            boolean usable = report.status() == BackendReport.Status.AVAILABLE;
            if (named && !usable) {
                throw new UnsupportedRequestException("backend " + backend + " cannot run here",
                        report.rejections());
            }
            if (usable && report.device() != null && (named || backend.equals("all"))) {
                spaces.computeIfAbsent(report.device().space(), space -> new ArrayList<>()).add(report.id());
            }
        }
        return spaces;
    }

    private void onHost(Heddle heddle, List<String> ids, List<BenchShape> shapes, JsonObject into) {
        Limits limits = Limits.measure();
        say(String.format(Locale.ROOT, "limits: read %.1f GB/s, f32 FMA %.0f GFLOP/s",
                limits.readGbytesPerSecond(), limits.fmaGflops()));
        into.addProperty("read_gbytes_per_s", limits.readGbytesPerSecond());
        into.addProperty("fma_gflops", limits.fmaGflops());
        try (ProgressBar bar = Progress.bar("bench", (long) shapes.size() * ids.size())) {
            for (BenchShape shape : shapes) {
                var spec = shape.spec();
                var batch = MadeUp.batch(spec, BatchText.parse(shape.batch()), 1);
                try (Case input = MadeUp.of("bench", spec, batch, 1)) {
                    for (String id : ids) {
                        try {
                            add(row(shape, input, new Runner(heddle, true).run(input, id), limits), null);
                        } catch (UnsupportedRequestException e) {
                            skip(id, shape, e);
                        }
                        bar.step();
                    }
                }
            }
        }
    }

    private JsonObject onDevice(DeviceBench bench, MemorySpaceId space, List<String> ids,
            List<BenchShape> shapes,
            List<PeerFile.Row> others) {
        say(String.format(Locale.ROOT, "limits of %s: read %.1f GB/s (2^30 bytes)", space,
                bench.readGbytesPerSecond()));
        try (ProgressBar bar = Progress.bar("bench " + space, (long) shapes.size() * ids.size())) {
            for (BenchShape shape : shapes) {
                var spec = shape.spec();
                BatchShape batch = MadeUp.batch(spec, BatchText.parse(shape.batch()), 1);
                double kvBytes = (double) batch.pageTable().totalKvLen() * spec.kvBytesPerToken();
                for (String id : ids) {
                    try {
                        DeviceBench.Timed timed = bench.time(shape, spec, batch, kvBytes, id);
                        add(timed.row(), timed.cost());
                    } catch (UnsupportedRequestException | OutOfDeviceMemoryException e) {
                        skip(id, shape, e);
                    }
                    bar.step();
                }
                for (PeerFile.Row peer : others) {
                    if (peer.isOf(shape, spec)) {
                        add(peer.row(shape, kvBytes, bench.limit(kvBytes)), null);
                    }
                }
            }
        }
        JsonObject device = new JsonObject();
        device.addProperty("space", space.toString());
        device.addProperty("read_gbytes_per_s", bench.readGbytesPerSecond());
        return device;
    }

    private void add(BenchRow row, @Nullable HostCost cost) {
        rows.add(row);
        JsonObject one = row.json();
        say(row.line());
        if (cost != null) {
            cost.addTo(one);
            say(cost.line(row.impl()));
        }
        json.add(one);
    }

    private void skip(String id, BenchShape shape, RuntimeException why) {
        say(String.format(Locale.ROOT, "%-14s %-6s D%-4d %-4s %-9s page %-3d %-11s skipped: %s", id,
                shape.heads(),
                shape.headDim(), shape.dtype(), shape.kvDtype(), shape.pageSize(), shape.batch(),
                String.valueOf(why.getMessage()).lines().reduce((a, b) -> b.strip()).orElse("")));
        JsonObject one = new JsonObject();
        one.addProperty("impl", id);
        one.addProperty("heads", shape.heads());
        one.addProperty("batch", shape.batch());
        one.addProperty("kv_dtype", shape.kvDtype());
        one.addProperty("message", why.getMessage());
        skipped.add(one);
        refusal = why;
    }

    private void say(String line) {
        if (!common.json) {
            common.out().println(line);
            common.out().flush();
        }
    }

    private static BenchRow row(BenchShape shape, Case input, Runner.Result result, Limits limits) {
        double flops = 0;
        for (int i = 0; i < input.batch().batchSize(); i++) {
            double qoLen = input.batch().qoLen(i);
            double kvLen = input.batch().kvLen(i);
            flops += qoLen * (shape.causal() ? kvLen - (qoLen - 1) / 2 : kvLen);
        }
        var spec = input.spec();
        flops *= 2.0 * spec.numQoHeads() * (spec.headDimQk() + spec.headDimVo());
        double limit =
                Math.max(input.kvBytes() / limits.readGbytesPerSecond(), flops / limits.fmaGflops()) / 1e3;
        return new BenchRow(result.backend(), spec.numQoHeads(), spec.numKvHeads(), spec.headDimQk(),
                shape.dtype(), shape.kvDtype(), shape.pageSize(), shape.batch(), shape.causal(),
                input.kvBytes(), result.micros(), Double.NaN, Double.NaN, limit);
    }
}
