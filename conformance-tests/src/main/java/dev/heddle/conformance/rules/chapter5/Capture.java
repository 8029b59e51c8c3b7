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
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.conformance.rules.support.Cases;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.CapturedWork;
import dev.heddle.core.tensor.ExecutionQueue;
import java.util.List;
import java.util.Random;

/** Rule 5.05. */
final class Capture implements Rule {
    private static final int[] KV_LENS = {70, 33};
    private static final int REPLAYS = 3;

    @Override
    public String id() {
        return "5.05";
    }

    @Override
    public String claim() {
        return "Where declared, a captured run replays with new page tables and equals the plain run";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        if (!subject.provider().capabilities().capture()) {
            return List.of(ConformanceCase.notDeclared(id(), options, "execution.capture is not declared"));
        }
        return List.of(ConformanceCase.numeric(
                id(), Requests.shape(subject, "replay"), options, Capture::replay));
    }

    private static void replay(Kit kit) {
        Requests requests = new Requests(kit.capabilities());
        Request first = requests.decode(kit.seed(), KV_LENS).build();
        try (ExecutionQueue queue = kit.space().newQueue();
                Placed placed = kit.place(first);
                SessionPlan plan = kit.plan(first, kit.options().onQueue(queue).forCapture())) {
            kit.compare(first, kit.run(plan, placed)); // also what has to be compiled first
            try (CapturedWork work = queue.capture(
                    () -> plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads()))) {
                for (int i = 0; i < REPLAYS; i++) {
                    Request next = first
                            .withBatch(i == 0 ? first.batch() : otherPages(requests, first, kit.seed() + i));
                    if (i > 0 && !plan.replan(next.batch())) {
                        throw new ConformanceFailure(
                                "a plan for capture does not take a page table with the same lengths and other pages");
                    }
                    placed.poison();
                    work.replay();
                    queue.synchronize();
                    Output replayed = placed.read();
                    Cases.hinted("replay " + i + (i == 0 ? "" : " with new page tables"),
                            () -> kit.compare(next, replayed));
                    kit.requireSameBits("replay " + i + " and a plain run", replayed,
                            plain(kit, next, placed));
                }
            }
        }
    }

    private static BatchShape otherPages(Requests requests, Request first, long seed) {
        PageTable pages = RequestBuilder.scattered(
                first.spec().pageSize(), requests.kvLens(KV_LENS), new Random(seed));
        int[] qoIndptr = new int[first.batch().batchSize() + 1];
        first.batch().copyQoIndptr(qoIndptr, 0);
        return BatchShape.of(qoIndptr, pages);
    }

    private static Output plain(Kit kit, Request request, Placed placed) {
        try (SessionPlan plan = kit.plan(request, kit.options())) {
            placed.poison();
            return kit.run(plan, placed);
        }
    }
}
