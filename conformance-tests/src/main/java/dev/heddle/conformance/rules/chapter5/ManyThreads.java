package dev.heddle.conformance.rules.chapter5;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.session.SessionPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Rule 5.02. */
final class ManyThreads implements Rule {
    private static final int THREADS = 4;
    private static final int RUNS = 8;

    @Override
    public String id() {
        return "5.02";
    }

    @Override
    public String claim() {
        return "Plans of several threads do not disturb each other";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(ConformanceCase.numeric(
                id(), Requests.shape(subject, THREADS + ".threads"), options, ManyThreads::threads));
    }

    private static void threads(Kit kit) {
        Requests requests = new Requests(kit.capabilities());
        List<Request> own = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            own.add(requests.decode(kit.seed() + i, 17 + 40 * i, 90 - 20 * i, 64).build());
        }
        kit.session(); // opened once, before threads ask for it
        CyclicBarrier together = new CyclicBarrier(THREADS);
        List<Future<List<Output>>> futures = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(THREADS)) {
            own.forEach(request -> futures.add(pool.submit(() -> runs(kit, request, together))));
            for (int i = 0; i < THREADS; i++) {
                Request request = own.get(i);
                for (Output output : outputs(futures.get(i))) {
                    Cases.hinted("thread " + i + " of " + THREADS + ", each with a plan of its own",
                            () -> kit.compare(request, output));
                }
            }
        }
    }

    private static List<Output> runs(Kit kit, Request request, CyclicBarrier together)
            throws InterruptedException, BrokenBarrierException {
        List<Output> outputs = new ArrayList<>();
        together.await();
        for (int i = 0; i < RUNS; i++) {
            try (Placed placed = kit.place(request);
                    SessionPlan plan = kit.plan(request, kit.options())) {
                kit.run(plan, placed);
                placed.poison();
                outputs.add(kit.run(plan, placed));
            }
        }
        return outputs;
    }

    private static List<Output> outputs(Future<List<Output>> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new ConformanceFailure(
                    "one of " + THREADS + " threads with a plan each failed: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConformanceFailure("interrupted while waiting for threads", e);
        }
    }
}
