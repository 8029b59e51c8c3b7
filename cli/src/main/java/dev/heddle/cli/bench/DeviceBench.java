package dev.heddle.cli.bench;

import dev.heddle.cli.input.BenchShape;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.tensor.DeviceMeter;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.planner.AttentionPlan;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanRequest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Times shapes in one device's memory by its own clock, each beside the time to read as many bytes. */
final class DeviceBench {
    private static final long LARGE_READ = 1L << 30;

    private final Heddle heddle;
    private final MemorySpace space;
    private final DeviceMeter meter;
    private final int repeats;
    private final boolean hostCost;
    private final Map<Long, Double> limits = new HashMap<>();

    DeviceBench(Heddle heddle, MemorySpace space, DeviceMeter meter, int repeats, boolean hostCost) {
        this.heddle = heddle;
        this.space = space;
        this.meter = meter;
        this.repeats = repeats;
        this.hostCost = hostCost;
    }

    /** A row, and what it costs the host if that was asked for. */
    record Timed(BenchRow row, @Nullable HostCost cost) {}

    /** Times a shape on a backend. */
    Timed time(BenchShape shape, AttentionSpec spec, BatchShape batch, double kvBytes, String backend) {
        PlanOptions options = PlanOptions.in(space.id());
        PlanRequest request = new PlanRequest(List.of(backend), options);
        try (AttentionPlan plan = heddle.plan(spec, batch, request);
                DeviceInput input = new DeviceInput(space, spec, batch)) {
            Runnable run = () -> plan.run(input.q(), input.kv(), input.out(), input.lse());
            double[] micros = meter.micros(plan.queue(), run, repeats);
            Arrays.sort(micros);
            BenchRow row = new BenchRow(backend, spec.numQoHeads(), spec.numKvHeads(), spec.headDimQk(),
                    shape.dtype(), spec.kDtype().id(), shape.pageSize(), shape.batch(), shape.causal(),
                    kvBytes,
                    quantile(micros, 0.5), quantile(micros, 0.2), quantile(micros, 0.8), limit(kvBytes));
            return new Timed(row, hostCost ? cost(spec, batch, request, input) : null);
        }
    }

    private HostCost cost(AttentionSpec spec, BatchShape batch, PlanRequest request, DeviceInput input) {
        PlanRequest captured = request.with(request.options().forCapture().onQueue(space.defaultQueue()));
        boolean can = heddle.explain(spec, batch, captured).chosen() != null;
        try (AttentionPlan plan = heddle.plan(spec, batch, can ? captured : request)) {
            return HostCost.measure(plan.queue(), () -> heddle.plan(spec, batch, request).close(),
                    () -> plan.run(input.q(), input.kv(), input.out(), input.lse()), can);
        }
    }

    /** Returns the time to read so many bytes in microseconds, measured once in this run. */
    double limit(double bytes) {
        long whole = Math.max(16, (long) bytes);
        return limits.computeIfAbsent(whole, size -> {
            double[] micros = meter.readMicros(size, repeats);
            Arrays.sort(micros);
            return quantile(micros, 0.5);
        });
    }

    /** Returns what reading a gigabyte reaches, 10⁹ bytes per second. */
    double readGbytesPerSecond() {
        return LARGE_READ / limit(LARGE_READ) / 1e3;
    }

    /** Returns a quantile of sorted values, between neighbours where it falls between them. */
    static double quantile(double[] sorted, double share) {
        double at = share * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
