package dev.heddle.cli.bench;

import com.google.gson.JsonObject;
import dev.heddle.core.tensor.CapturedWork;
import dev.heddle.core.tensor.ExecutionQueue;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * What a step and a layer cost the calling thread, apart from the device's time.
 *
 * @param planNanos median time of making and closing a plan while the device has nothing to do
 * @param eagerNanos median time of a run's call
 * @param replayNanos median time of replaying a capture of all layers, for each layer; NaN if the backend cannot
 * @param heapBytes heap allocated by a run's call; NaN if this VM does not count it
 */
record HostCost(double planNanos, double eagerNanos, double replayNanos, double heapBytes) {
    private static final int LAYERS = 28;
    private static final int ROUNDS = 60;
    private static final int WARM_UPS = 200;
    private static final int PLAN_WARM_UPS = 10_000; // until all of the path is compiled

    /**
     * Measures.
     *
     * @param plan makes a plan for the queue's space and closes it
     * @param run enqueues one layer on the queue
     * @param capture whether {@code run} may be captured
     */
    static HostCost measure(ExecutionQueue queue, Runnable plan, Runnable run, boolean capture) {
        for (int i = 0; i < PLAN_WARM_UPS; i++) {
            plan.run();
            queue.synchronize();
        }
        double planned = median(queue, plan);
        for (int i = 0; i < WARM_UPS; i++) { // until the compiler has seen the path
            layers(run);
            queue.synchronize();
        }
        double eager = median(queue, () -> layers(run)) / LAYERS;
        double heap = heap(queue, run);
        return new HostCost(planned, eager, capture ? replay(queue, run) : Double.NaN, heap);
    }

    private static void layers(Runnable run) {
        for (int i = 0; i < LAYERS; i++) {
            run.run();
        }
    }

    private static double replay(ExecutionQueue queue, Runnable run) {
        CapturedWork captured;
        try {
            captured = queue.capture(() -> layers(run));
        } catch (UnsupportedOperationException e) {
            return Double.NaN;
        }
        try (captured) {
            for (int i = 0; i < ROUNDS; i++) {
                captured.replay();
                queue.synchronize();
            }
            return median(queue, captured::replay) / LAYERS;
        }
    }

    private static double median(ExecutionQueue queue, Runnable work) {
        double[] nanos = new double[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            long begin = System.nanoTime();
            work.run();
            nanos[i] = System.nanoTime() - begin;
            queue.synchronize(); // a full queue would make the host wait, which is not its cost
        }
        Arrays.sort(nanos);
        return nanos[ROUNDS / 2];
    }

    private static double heap(ExecutionQueue queue, Runnable run) {
        // A trimmed runtime may lack the module; AllocatedBytes must then not be loaded.
        if (ModuleLayer.boot().findModule("jdk.management").isEmpty()) {
            return Double.NaN;
        }
        LongSupplier counter = AllocatedBytes.ofThisThread();
        long none = counter.getAsLong();
        none = counter.getAsLong() - none; // what asking takes
        long begin = counter.getAsLong();
        layers(run);
        double bytes = counter.getAsLong() - begin - none;
        queue.synchronize();
        return Math.max(0, bytes / LAYERS);
    }

    String line(String impl) {
        return String.format(Locale.ROOT,
                "%-14s host cost of a plan: %.1f µs; of a layer: %.0f ns, replayed %s, heap %s", impl,
                planNanos / 1e3, eagerNanos, Double.isNaN(replayNanos) ? "not possible"
                        : String.format(Locale.ROOT, "%.0f ns", replayNanos),
                Double.isNaN(heapBytes) ? "not counted"
                        : String.format(Locale.ROOT, "%.0f bytes", heapBytes));
    }

    void addTo(JsonObject row) {
        row.addProperty("plan_us", planNanos / 1e3);
        row.addProperty("host_ns_per_layer", eagerNanos);
        if (!Double.isNaN(replayNanos)) {
            row.addProperty("replay_ns_per_layer", replayNanos);
        }
        if (!Double.isNaN(heapBytes)) {
            row.addProperty("heap_bytes_per_run", heapBytes);
        }
    }
}
