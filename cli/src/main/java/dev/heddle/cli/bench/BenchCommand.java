package dev.heddle.cli.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.command.CommonFlags;
import dev.heddle.cli.command.Progress;
import dev.heddle.cli.input.BatchText;
import dev.heddle.cli.input.BenchShape;
import dev.heddle.cli.input.MadeUp;
import dev.heddle.cli.limits.Limits;
import dev.heddle.cli.peer.PeerProgram;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
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
import java.util.function.IntFunction;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code heddle bench}. */
@Command(name = "bench", description = "Time shapes beside the machine's limits, measured in the same run.")
public final class BenchCommand implements Callable<Integer> {
    @Mixin
    private CommonFlags common = new CommonFlags();

    @Mixin
    private PeerFlags against = new PeerFlags();

    @Option(names = "--shapes", paramLabel = "FILE",
            description = "CSV: heads,head_dim,dtype,kv_dtype,page_size,batch,causal[,threads] (default: a few of each kind)")
    private @Nullable Path shapes;

    @Option(names = "--backend", paramLabel = "IDS", split = ",",
            description = "backends, with commas between them, or all (default: all)", defaultValue = "all")
    private List<String> backends = List.of("all");

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

    @Option(names = "--determinism", paramLabel = "LEVEL", defaultValue = "none",
            converter = DeterminismConverter.class,
            description = "what rows ask for: none, run-to-run or batch-invariant (default: none)")
    private Determinism determinism = Determinism.NONE;

    @Option(names = "--csv", paramLabel = "FILE", description = "write the rows to a file, too")
    private @Nullable Path csv;

    @Option(names = "--plot", paramLabel = "OUT.svg",
            description = "draw the ratio to the limit")
    private @Nullable Path plot;

    @Override
    public Integer call() throws IOException {
        if (repeats < 1) {
            throw new IllegalArgumentException("--repeats must be 1 or more, got " + repeats);
        }
        if (against.millis < 1) {
            throw new IllegalArgumentException("--millis must be 1 or more, got " + against.millis);
        }
        List<BenchShape> asked = shapes == null ? List.of() : BenchShape.read(shapes);
        List<PeerFile.Row> others = peers == null ? List.of() : PeerFile.read(peers);
        JsonObject limits = new JsonObject();
        BenchReport report = new BenchReport(common);
        try (Heddle heddle = common.heddle().open()) {
            Map<MemorySpaceId, List<String>> spaces = spaces(heddle);
            JsonArray devices = new JsonArray();
            List<String> onProcessor = new ArrayList<>();
            limits.add("read_gbytes_per_s", null);
            limits.add("fma_gflops", null);
            for (Map.Entry<MemorySpaceId, List<String>> one : spaces.entrySet()) {
                MemorySpace space = heddle.memorySpace(one.getKey());
                var meter = space.meter();
                if (meter.isEmpty()) {
                    onProcessor.addAll(one.getValue());
                } else {
                    DeviceBench bench = new DeviceBench(heddle, space, meter.get(), repeats, hostCost);
                    devices.add(onDevice(bench, one.getKey(), one.getValue(),
                            shapes == null ? BenchShape.deviceDefaults() : asked, others, report));
                    if (limits.get("read_gbytes_per_s").isJsonNull()) {
                        limits.addProperty("read_gbytes_per_s", bench.readGbytesPerSecond());
                    }
                }
            }
            limits.add("devices", devices);
            if (!onProcessor.isEmpty()) { // together, so that rows lie side by side
                onHost(onProcessor, shapes == null ? BenchShape.DEFAULTS : asked, limits, report);
            }
        }
        report.requireRows();
        List<BenchRow> rows = report.rows();
        if (csv != null) {
            BenchFiles.csv(rows, csv);
        }
        if (plot != null) {
            boolean host = rows.stream().anyMatch(row -> row.host() != null);
            BenchFiles.write(host ? HostPlot.svg(rows) : BenchPlot.svg(rows), plot);
        }
        report.print(limits, determinism);
        return 0;
    }

    /** Returns the backends to time by the memory they read. */
    private Map<MemorySpaceId, List<String>> spaces(Heddle heddle) {
        List<BackendReport> found = heddle.backends();
        boolean all = backends.equals(List.of("all"));
        for (String id : all ? List.<String>of() : backends) {
            if (found.stream().noneMatch(report -> report.id().equals(id))) {
                throw new UnknownBackendException(id, found.stream().map(BackendReport::id).toList());
            }
        }
        Map<MemorySpaceId, List<String>> spaces =
                new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
        for (BackendReport report : found) {
            boolean named = backends.contains(report.id());
            boolean usable = report.status() == BackendReport.Status.AVAILABLE;
            if (named && !usable) {
                throw new UnsupportedRequestException("backend " + report.id() + " cannot run here",
                        report.rejections());
            }
            if (usable && report.device() != null && (named || all)) {
                spaces.computeIfAbsent(report.device().space(), space -> new ArrayList<>()).add(report.id());
            }
        }
        return spaces;
    }

    private void onHost(List<String> ids, List<BenchShape> shapes, JsonObject into, BenchReport report)
            throws IOException {
        List<PeerProgram> programs = against.programs();
        String hint = against.hint();
        JsonArray names = new JsonArray();
        programs.forEach(program -> names.add(program.id()));
        into.add("peers", names);
        into.addProperty("peers_hint", hint);
        IntFunction<Heddle> open = threads -> common.heddle().parallelism(threads).open();
        try (PeerBench peers = new PeerBench(programs);
                HostBench bench = new HostBench(open, ids, determinism, peers, against.millis);
                ProgressBar bar = Progress.bar("bench", (long) shapes.size() * bench.implementations())) {
            Limits limits = bench.limits();
            into.addProperty("read_gbytes_per_s", limits.readGbytesPerSecond());
            into.addProperty("fma_gflops", limits.fmaGflops());
            report.say(String.format(Locale.ROOT, "limits: read %.1f GB/s, f32 FMA %.0f GFLOP/s",
                    limits.readGbytesPerSecond(), limits.fmaGflops()));
            if (hint != null) {
                report.say(hint);
            }
            BenchSink sink = sink(report, bar);
            for (BenchShape shape : shapes) {
                bench.time(shape, sink);
            }
        }
    }

    private static BenchSink sink(BenchReport report, ProgressBar bar) {
        return new BenchSink() {
            @Override
            public void add(BenchRow row) {
                report.add(row, null);
            }

            @Override
            public void skip(String peer, BenchShape shape, String why) {
                report.skip(peer, shape, why);
            }

            @Override
            public void refuse(String backend, BenchShape shape, UnsupportedRequestException why) {
                report.refuse(backend, shape, why);
            }

            @Override
            public void step() {
                bar.step();
            }
        };
    }

    private JsonObject onDevice(DeviceBench bench, MemorySpaceId space, List<String> ids,
            List<BenchShape> shapes,
            List<PeerFile.Row> others, BenchReport report) {
        report.say(String.format(Locale.ROOT, "limits of %s: read %.1f GB/s (2^30 bytes)", space,
                bench.readGbytesPerSecond()));
        try (ProgressBar bar = Progress.bar("bench " + space, (long) shapes.size() * ids.size())) {
            for (BenchShape shape : shapes) {
                var spec = shape.spec(determinism);
                BatchShape batch = MadeUp.batch(spec, BatchText.parse(shape.batch()), 1);
                double kvBytes = (double) batch.pageTable().totalKvLen() * spec.kvBytesPerToken();
                for (String id : ids) {
                    try {
                        DeviceBench.Timed timed = bench.time(shape, spec, batch, kvBytes, id);
                        report.add(timed.row(), timed.cost());
                    } catch (UnsupportedRequestException | OutOfDeviceMemoryException e) {
                        report.refuse(id, shape, e);
                    }
                    bar.step();
                }
                for (PeerFile.Row peer : others) {
                    if (peer.isOf(shape, spec)) {
                        report.add(peer.row(shape, kvBytes, bench.limit(kvBytes)), null);
                    }
                }
            }
        }
        JsonObject device = new JsonObject();
        device.addProperty("space", space.toString());
        device.addProperty("read_gbytes_per_s", bench.readGbytesPerSecond());
        return device;
    }
}
