package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.DoubleConsumer;

/**
 * Fits a cost profile to measured runs: an almost empty batch gives the launch, a long decode at the smallest group
 * the bandwidth, the same at the largest group the arithmetic rate, plans of one and of 64 requests the plan.
 */
final class Calibrator {
    private static final int REPEATS = 9;
    private static final int KV_LEN = 4096;
    private static final int FEW = 4;
    private static final int MANY = 64;
    private static final int SMALL_GROUP = 1;
    private static final int LARGE_GROUP = 32;

    private final BackendSession session;
    private final DoubleConsumer progress;
    private final Capabilities can;
    private final MemorySpace space;

    Calibrator(BackendSession session, DoubleConsumer progress) {
        this.session = session;
        this.progress = progress;
        this.can = session.capabilities();
        this.space = session.memorySpace();
    }

    Calibration measure() {
        CostProfile shipped = session.costProfile();
        // A backend is measured at what it declares, as near to the usual sizes as that allows.
        int one = Math.clamp(1, can.batchSize().min(), can.batchSize().max());
        int few = Math.clamp(FEW, can.batchSize().min(), can.batchSize().max());
        int many = Math.clamp(MANY, can.batchSize().min(), can.batchSize().max());
        int shortest = Math.clamp(1, can.kvLen().min(), can.kvLen().max());
        int longest = Math.clamp(KV_LEN, can.kvLen().min(), can.kvLen().max());
        Map<DataType, Double> gflops = new EnumMap<>(DataType.class);
        double bandwidth = 0;
        double launch = Double.POSITIVE_INFINITY;
        int done = 0;
        for (DtypeTuple dtypes : can.dtypes()) {
            done++;
            if (!gflops.containsKey(dtypes.k())) {
                AttentionSpec small = spec(dtypes, nearest(can.groupSizes(), SMALL_GROUP));
                AttentionSpec large = spec(dtypes, nearest(can.groupSizes(), LARGE_GROUP));
                launch = Math.min(launch, runMicros(small, one, shortest));
                double smallMicros = Math.max(runMicros(small, few, longest) - launch, 1);
                double largeMicros = Math.max(runMicros(large, few, longest) - launch, 1);
                bandwidth = Math.max(bandwidth,
                        (double) few * longest * small.kvBytesPerToken() / (smallMicros * 1e3));
                double flops =
                        2.0 * few * longest * large.numQoHeads() * (large.headDimQk() + large.headDimVo());
                gflops.put(dtypes.k(), flops / (largeMicros * 1e3));
            }
            progress.accept(0.9 * done / can.dtypes().size());
        }
        AttentionSpec spec = spec(can.dtypes().getFirst(), nearest(can.groupSizes(), SMALL_GROUP));
        double planOne = planMicros(spec, one);
        double planMany = planMicros(spec, many);
        progress.accept(1);
        double perRequest = Math.max(0, (planMany - planOne) / Math.max(1, many - one));
        return new Calibration(session.id(), shipped,
                new CostProfile(bandwidth, gflops,
                        gflops.values().stream().mapToDouble(d -> d).min().orElse(1),
                        shipped.parallelUnits(), shipped.minTokensPerUnit(), launch,
                        Math.max(0, planOne - perRequest), perRequest, shipped.mergeMicros(),
                        shipped.coldMicros()));
    }

    private AttentionSpec spec(DtypeTuple dtypes, int group) {
        HeadDims dims = can.headDims().getFirst();
        int kvHeads = nearest(can.kvHeads(), 4);
        return AttentionSpec.builder()
                .numQoHeads(kvHeads * group).numKvHeads(kvHeads)
                .headDim(nearest(dims.qk(), 128), nearest(dims.vo(), 128))
                .dtype(dtypes.q()).kvDtype(dtypes.k(), dtypes.v()).outDtype(dtypes.out())
                .pageSize(nearest(can.pageSizes(), 16)).kvLayout(can.kvLayouts().iterator().next())
                .lse(false).build();
    }

    private static int nearest(IntSet set, int wished) {
        if (set.contains(wished)) {
            return wished;
        }
        if (set.isListed()) {
            return set.values().stream()
                    .min((a, b) -> Integer.compare(Math.abs(a - wished), Math.abs(b - wished))).orElseThrow();
        }
        int clamped = Math.clamp(wished, set.min(), set.max());
        return clamped - (clamped - set.min()) % set.step();
    }

    private BatchShape batch(AttentionSpec spec, int requests, int kvLen) {
        int pages = Math.ceilDiv(kvLen, spec.pageSize());
        int[] indptr = new int[requests + 1];
        int[] last = new int[requests];
        Arrays.setAll(indptr, i -> i * pages);
        Arrays.fill(last, kvLen - (pages - 1) * spec.pageSize());
        int[] indices = new int[requests * pages];
        Arrays.setAll(indices, i -> i);
        return BatchShape.decode(PageTable.of(spec.pageSize(), indices.length, indptr, indices, last));
    }

    private double runMicros(AttentionSpec spec, int requests, int kvLen) {
        BatchShape batch = batch(spec, requests, kvLen);
        try (KvCache cache = KvCache.allocate(space, spec, 1, batch.pageTable().poolPages());
                Buffer q = zeros(
                        (long) requests * spec.numQoHeads() * spec.headDimQk() * spec.qDtype().byteSize());
                Buffer out = zeros(
                        (long) requests * spec.numQoHeads() * spec.headDimVo() * spec.outDtype().byteSize());
                SessionPlan plan = session.plan(spec, batch, PlanOptions.in(space.id()))) {
            clear(cache.layer(0).k().segments().getFirst());
            clear(cache.layer(0).v().segments().getFirst());
            Tensor queries = Tensor.of(q, spec.qDtype(), requests, spec.numQoHeads(), spec.headDimQk());
            Tensor result = Tensor.of(out, spec.outDtype(), requests, spec.numQoHeads(), spec.headDimVo());
            return median(() -> {
                plan.run(queries, cache.layer(0), result, null);
                plan.queue().synchronize();
            });
        }
    }

    private double planMicros(AttentionSpec spec, int requests) {
        BatchShape batch = batch(spec, requests, Math.clamp(64, can.kvLen().min(), can.kvLen().max()));
        PlanOptions options = PlanOptions.in(space.id());
        return median(() -> session.plan(spec, batch, options).close());
    }

    private static double median(Runnable work) {
        double[] micros = new double[REPEATS];
        for (int i = -2; i < REPEATS; i++) {
            long start = System.nanoTime();
            work.run();
            if (i >= 0) {
                micros[i] = (System.nanoTime() - start) / 1e3;
            }
        }
        Arrays.sort(micros);
        return micros[REPEATS / 2];
    }

    private Buffer zeros(long bytes) {
        Buffer buffer = space.allocate(bytes, 256);
        clear(buffer);
        return buffer;
    }

    private void clear(Buffer buffer) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(buffer.byteSize());
            space.copyFromHost(zeros, buffer, 0, space.defaultQueue());
            space.defaultQueue().synchronize();
        }
    }
}
