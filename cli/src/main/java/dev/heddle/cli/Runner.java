package dev.heddle.cli;

import dev.heddle.cli.input.Case;
import dev.heddle.cli.input.Placement;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.planner.AttentionPlan;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanReport;
import dev.heddle.planner.PlanRequest;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs one case on one backend: once for its result, then again and again for its time. */
final class Runner {
    // Parts of the time that counts: 60 ms, 3 s and 50 ms beside the usual 200 ms.
    private static final double ROUND = 0.3;
    private static final double WARM_UP = 15;
    private static final double PLANNING = 0.25;
    private static final int SETTLED_ROUNDS = 12; // fewer may only be waiting for the second compiler
    private static final double SAME = 0.97; // a round within 3 % of the best is no faster
    private static final int MOST_RUNS = 1000;

    private final Heddle heddle;
    private final long nanos;

    /**
     * Runs with a Heddle.
     *
     * @param millis how long to time each result; warming up takes longer
     */
    Runner(Heddle heddle, int millis) {
        this.heddle = heddle;
        this.nanos = 1_000_000L * millis;
    }

    /**
     * What came out.
     *
     * @param out {@code [total_qo_len, num_qo_heads, head_dim_vo]}, row-major
     * @param lse {@code [total_qo_len, num_qo_heads]}, or null if the spec asks for none
     * @param micros median time of a run
     * @param planMicros median time of a plan
     * @param report why this backend
     */
    record Result(String backend, float[] out, float @Nullable [] lse, double micros, double planMicros,
            PlanReport report) {}

    /** Throws what {@link #run} would throw for a request that the backend, or any if it is null, cannot run. */
    void require(AttentionSpec spec, BatchShape batch, @Nullable String backend) {
        heddle.plan(spec, batch, request(spec, batch, backend)).close();
    }

    /** A case may be placed in any memory: where the backend reads, or where some backend can run it. */
    private PlanRequest request(AttentionSpec spec, BatchShape batch, @Nullable String backend) {
        if (backend != null) {
            return new PlanRequest(List.of(backend), PlanOptions.in(spaceOf(backend)));
        }
        PlanRequest usual = PlanRequest.DEFAULT.with(PlanOptions.in(heddle.memorySpace().id()));
        PlanRequest host = PlanRequest.DEFAULT.with(PlanOptions.in(MemorySpaceId.HOST));
        return heddle.explain(spec, batch, usual).chosen() == null
                && heddle.explain(spec, batch, host).chosen() != null ? host : usual;
    }

    /** Runs a case on a backend, or on the planner's choice if it is null. */
    Result run(Case input, @Nullable String backend) {
        PlanRequest request = request(input.spec(), input.batch(), backend);
        try (AttentionPlan plan = heddle.plan(input.spec(), input.batch(), request);
                Placement placed =
                        new Placement(input, heddle.memorySpace(request.options().space()))) {
            placed.poison();
            run(plan, placed);
            float[] out = placed.values(placed.out());
            float[] lse = placed.lse() == null ? null : placed.values(placed.lse());
            double micros = time(plan, placed);
            double planMicros = median(() -> heddle.plan(input.spec(), input.batch(), request).close(),
                    plan.queue()::synchronize, PLANNING);
            return new Result(plan.backendId(), out, lse, micros, planMicros, plan.explain());
        }
    }

    private MemorySpaceId spaceOf(String backend) {
        for (BackendReport report : heddle.backends()) {
            if (report.id().equals(backend) && report.device() != null) {
                return report.device().space();
            }
        }
        return heddle.memorySpace().id(); // the planner says what is wrong with the name
    }

    private static void run(AttentionPlan plan, Placement placed) {
        plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
        plan.queue().synchronize();
    }

    /** Returns the median time of a run in microseconds, once rounds no longer get faster. */
    private double time(AttentionPlan plan, Placement placed) {
        Runnable one = () -> run(plan, placed);
        long begin = System.nanoTime();
        double best = Double.POSITIVE_INFINITY;
        int settled = 0;
        while (settled < SETTLED_ROUNDS && System.nanoTime() - begin < WARM_UP * nanos) {
            double round = median(one, ROUND);
            settled = round < best * SAME ? 0 : settled + 1;
            best = Math.min(best, round);
        }
        return median(one, 1);
    }

    private double median(Runnable work, double part) {
        return median(work, () -> {}, part);
    }

    /** As above; {@code settle} follows each run and is not timed: what a device still has to do is not the plan's. */
    private double median(Runnable work, Runnable settle, double part) {
        double[] micros = new double[MOST_RUNS];
        int runs = 0;
        long begin = System.nanoTime();
        while (runs < MOST_RUNS && (runs < 3 || System.nanoTime() - begin < part * nanos)) {
            long start = System.nanoTime();
            work.run();
            micros[runs++] = (System.nanoTime() - start) / 1e3;
            settle.run();
        }
        Arrays.sort(micros, 0, runs);
        return micros[runs / 2];
    }
}
