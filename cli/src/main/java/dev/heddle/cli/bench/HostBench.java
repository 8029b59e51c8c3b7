package dev.heddle.cli.bench;

import dev.heddle.cli.input.BatchText;
import dev.heddle.cli.input.BenchShape;
import dev.heddle.cli.input.Case;
import dev.heddle.cli.input.MadeUp;
import dev.heddle.cli.input.Placement;
import dev.heddle.cli.limits.HostMeter;
import dev.heddle.cli.limits.Limits;
import dev.heddle.cli.peer.Timing;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.planner.AttentionPlan;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanRequest;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Times shapes on the host: Heddle's backends, then peers on the same values and threads. */
final class HostBench implements AutoCloseable {
    private static final int PLANS = 200;

    /**
     * Times {@code --millis} that a backend runs before its first row of a dtype: three seconds by default, until the
     * second compiler is done. Later rows find most of it compiled.
     */
    private static final int FIRST_WARM_UP = 5;

    private final IntFunction<Heddle> open;
    private final Map<Integer, Heddle> byThreads = new HashMap<>();
    private final HostMeter meter = new HostMeter(processors());
    private final List<String> backends;
    private final Determinism determinism;
    private final @Nullable PeerBench peers;
    private final int millis;
    private final Set<String> warm = new HashSet<>();

    /**
     * Starts to measure.
     *
     * @param open opens Heddle with so many threads
     * @param determinism what rows ask Heddle for
     * @param peers or null for none
     * @param millis how long to count runs of each implementation on each shape
     */
    HostBench(IntFunction<Heddle> open, List<String> backends, Determinism determinism,
            @Nullable PeerBench peers, int millis) {
        this.open = open;
        this.backends = backends;
        this.determinism = determinism;
        this.peers = peers;
        this.millis = millis;
    }

    /** Returns the limits on all threads as they are now. */
    Limits limits() {
        return meter.measure(processors());
    }

    private static int processors() {
        return Runtime.getRuntime().availableProcessors();
    }

    /** Times a shape; the sink takes a step for each backend and each peer. */
    void time(BenchShape shape, BenchSink sink) throws IOException {
        int threads = shape.threads() == 0 ? processors() : shape.threads();
        if (threads > processors()) {
            throw new IllegalArgumentException("a row wants " + threads + " threads, this machine has "
                    + processors());
        }
        var spec = shape.spec(determinism);
        var batch = MadeUp.batch(spec, BatchText.parse(shape.batch()), 1);
        HostRow row = new HostRow(shape, spec, batch, threads, millis, meter);
        double kvBytes = (double) batch.pageTable().totalKvLen() * spec.kvBytesPerToken();
        Result first = null;
        try (var rotation = MadeUp.rotation("bench", spec, batch, 1, HostRow.copies(kvBytes))) {
            for (String backend : backends) {
                try {
                    Result result = run(row, rotation, backend, sink);
                    first = first == null ? result : first;
                } catch (UnsupportedRequestException e) {
                    sink.refuse(backend, shape, e);
                }
                sink.step();
            }
            if (peers != null) {
                peers.time(row, rotation.input(), first, sink);
            }
        }
    }

    /**
     * Heddle's result.
     *
     * @param out {@code [total_qo_len, num_qo_heads, head_dim]}
     * @param micros median time
     */
    record Result(float[] out, double micros) {}

    private Result run(HostRow row, MadeUp.Rotation rotation, String backend, BenchSink sink) {
        Heddle heddle = byThreads.computeIfAbsent(row.threads(), open::apply);
        Case input = rotation.input();
        MemorySpaceId space = space(heddle, backend);
        PlanRequest request = new PlanRequest(List.of(backend), PlanOptions.in(space));
        try (AttentionPlan plan = heddle.plan(row.spec(), row.batch(), request);
                Placement placed = new Placement(input, heddle.memorySpace(space))) {
            List<KvCacheView> copies =
                    rotation.copies().stream().map(cache -> placed.place(row.spec(), cache)).toList();
            Timing.Run<RuntimeException> run = copy -> {
                plan.run(placed.q(), copies.get(copy), placed.out(), placed.lse(), placed.heads());
                plan.queue().synchronize();
            };
            placed.poison();
            run.on(0);
            float[] out = placed.values(placed.out());
            if (warm.add(backend + " " + row.spec().qDtype() + " " + row.spec().kDtype())) {
                Timing.micros(copies.size(), FIRST_WARM_UP * row.millis(), 0, run);
            }
            HostRow.Measured measured = row
                    .measure(input.kvBytes(),
                            () -> Timing.micros(rotation.copies().size(), row.millis(), row.millis(), run));
            double planMicros = planMicros(heddle, row, request);
            sink.add(row.row(backend, measured, input.kvBytes(), planMicros));
            return new Result(out, HostRow.median(measured));
        }
    }

    /** Returns the memory that a backend reads: the host's, or one of the host's own processor behind a driver. */
    private static MemorySpaceId space(Heddle heddle, String backend) {
        return heddle.backends().stream().filter(report -> report.id().equals(backend))
                .map(report -> Objects.requireNonNull(report.device()).space()).findFirst().orElseThrow();
    }

    private static double planMicros(Heddle heddle, HostRow row, PlanRequest request) {
        double[] micros = new double[PLANS];
        for (int i = 0; i < 2 * PLANS; i++) { // the first half warms up
            long start = System.nanoTime();
            heddle.plan(row.spec(), row.batch(), request).close();
            micros[i % PLANS] = (System.nanoTime() - start) / 1e3;
        }
        Arrays.sort(micros);
        return DeviceBench.quantile(micros, 0.5);
    }

    /** Returns how many implementations each shape is timed with. */
    int implementations() {
        return backends.size() + (peers == null ? 0 : Objects.requireNonNull(peers).count());
    }

    @Override
    public void close() {
        byThreads.values().forEach(Heddle::close);
        meter.close();
    }
}
