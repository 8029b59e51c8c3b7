package dev.heddle.conformance.rules.chapter5;

import com.sun.management.ThreadMXBean;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.NotDeclaredException;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.HostMemorySpace;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Rule 5.03. */
final class NoAllocation implements Rule {
    /** Runs between two looks at the counter: one object in as many is found. Fewer where they would take too long. */
    private static final int RUNS = 64;
    private static final int LEAST_RUNS = 8;
    /** Threads of test runners and progress bars wake, and allocate, every 100 ms or more. */
    private static final long LOOK_NANOS = 50_000_000L;
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    @Override
    public String id() {
        return "5.03";
    }

    @Override
    public String claim() {
        return "A steady-state run allocates nothing on the Java heap and nothing on the device";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(ConformanceCase.plain(
                id(), Requests.shape(subject, "steady"), options, NoAllocation::steady));
    }

    private static void steady(Kit kit) {
        if (!(ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads)
                || !threads.isThreadAllocatedMemorySupported()) {
            throw new NotDeclaredException("this Java does not count what threads allocate");
        }
        threads.setThreadAllocatedMemoryEnabled(true);
        kit.session(); // without a device the case does not apply
        Request request = new Requests(kit.capabilities()).decode(kit.seed(), 40, 9).build();
        AtomicInteger arenas = new AtomicInteger();
        HostMemorySpace host = new HostMemorySpace(() -> {
            arenas.incrementAndGet();
            return Arena.ofShared();
        });
        try (OwnedContext context =
                kit.bench().newContext(host);
                BackendSession session = kit.bench().open(context);
                Placed placed = new Placed(session.memorySpace(), request, kit.capabilities().alignment());
                SessionPlan plan = session.plan(
                        request.spec(), request.batch(), PlanOptions.in(session.memorySpace().id()))) {
            runs(plan, placed, RUNS);
            int before = arenas.get();
            requireSteady(threads, plan, placed, Math.min(PATIENCE_NANOS,
                    kit.bench().options().caseLimit().toNanos() / 4));
            if (arenas.get() != before) {
                throw new ConformanceFailure("steady-state runs took " + (arenas.get() - before)
                        + " buffers of host memory from the context; take them when planning");
            }
        }
    }

    // Interpreted code allocates what compiled code does not, and all threads are watched, since a backend may run on
    // its own: other threads of the process can only add. A backend that allocates nothing is therefore seen to, to the
    // byte, as soon as it is compiled and the others are quiet for a moment; one that does is never. Reading the counter
    // allocates nothing itself.
    private static void requireSteady(ThreadMXBean threads, SessionPlan plan, Placed placed,
            long patience) {
        long start = System.nanoTime();
        long least = Long.MAX_VALUE;
        int runs = RUNS;
        int looks = 0;
        long now = start;
        do {
            long then = now;
            long before = threads.getTotalThreadAllocatedBytes();
            runs(plan, placed, runs);
            least = Math.min(least, threads.getTotalThreadAllocatedBytes() - before);
            looks++;
            if (least == 0) {
                return;
            }
            now = System.nanoTime();
            runs = Math.clamp(LOOK_NANOS * runs / Math.max(1, now - then), LEAST_RUNS, RUNS);
        } while (now - start < patience);
        throw new ConformanceFailure("steady-state runs allocate: " + runs + " of them took " + least
                + " bytes of the Java heap, the least of " + looks + " looks; none are allowed");
    }

    private static void runs(SessionPlan plan, Placed placed, int count) {
        for (int i = 0; i < count; i++) {
            plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
            plan.queue().synchronize();
        }
    }
}
