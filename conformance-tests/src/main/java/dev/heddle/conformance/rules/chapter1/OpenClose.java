package dev.heddle.conformance.rules.chapter1;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.declared.Declared;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.HostMemorySpace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Rule 1.04. */
final class OpenClose implements Rule {
    private static final int ROUNDS = 10;
    private static final int PLANS = 24;
    private static final long NATIVE_GROWTH = 64L << 20; // beyond what allocators keep for themselves
    private static final long THREAD_WAIT_NANOS = 5_000_000_000L;
    private static final long POLL_NANOS = 10_000_000L;

    @Override
    public String id() {
        return "1.04";
    }

    @Override
    public String claim() {
        return "Open and close repeat: ten rounds leave native memory, threads and device memory where they were";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(ConformanceCase.plain(id(), "ten-rounds", options, OpenClose::rounds));
    }

    private static void rounds(Kit kit) {
        kit.session(); // what a process loads once (libraries, driver) is no leak
        Declared declared = new Declared(kit.capabilities());
        Request request = RequestBuilder.of(declared.base().build())
                .qoLens(declared.qoLens(1, 1))
                .kvLens(declared.kvLens(33, 64))
                .seed(kit.seed())
                .alignment(kit.capabilities().alignment())
                .build();
        Set<String> threads = Usage.threadNames();
        int files = 0;
        long bytes = 0;
        for (int round = 1; round <= ROUNDS; round++) {
            round(kit, request, round);
            bytes = round == 2 ? Usage.nativeBytes() : bytes;
            files = round == 2 ? Usage.openFiles() : files;
        }
        requireThreadsEnd(threads);
        long grown = Usage.nativeBytes() - bytes;
        if (bytes > 0 && grown > NATIVE_GROWTH) {
            throw new ConformanceFailure(
                    "native memory grew by " + (grown >> 20) + " MiB over " + (ROUNDS - 2)
                            + " rounds of opening, " + PLANS + " plans and closing: something is not freed");
        }
        if (Usage.openFiles() - files >= ROUNDS - 2) {
            throw new ConformanceFailure((Usage.openFiles() - files) + " more files are open after "
                    + (ROUNDS - 2) + " rounds of opening and closing");
        }
    }

    private static void round(Kit kit, Request request, int round) {
        AtomicInteger open = new AtomicInteger();
        HostMemorySpace host = new HostMemorySpace(() -> new CountedArena(open));
        try (OwnedContext context =
                kit.bench().newContext(host)) {
            try (BackendSession session = kit.bench().open(context);
                    Placed placed =
                            new Placed(session.memorySpace(), request, kit.capabilities().alignment())) {
                PlanOptions options = PlanOptions.in(session.memorySpace().id());
                // Many plans: what one of them keeps is small beside what the VM itself takes.
                for (int i = 0; i < PLANS; i++) {
                    try (SessionPlan plan = session.plan(request.spec(), request.batch(), options)) {
                        plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
                        plan.queue().synchronize();
                    }
                }
            }
            if (open.get() != 0) {
                throw new ConformanceFailure("after close of round " + round + ", " + open.get()
                        + " buffers of host memory that the backend took from its context are still open");
            }
        }
    }

    private static void requireThreadsEnd(Set<String> before) {
        long start = System.nanoTime();
        Set<String> left = left(before);
        while (!left.isEmpty() && System.nanoTime() - start < THREAD_WAIT_NANOS) {
            LockSupport.parkNanos(POLL_NANOS);
            left = left(before);
        }
        if (!left.isEmpty()) {
            throw new ConformanceFailure(
                    left.size() + " threads are left after " + ROUNDS + " rounds of opening and closing: "
                            + left);
        }
    }

    private static Set<String> left(Set<String> before) {
        Set<String> left = new TreeSet<>(Usage.threadNames());
        left.removeAll(before);
        return left;
    }

    private static final class CountedArena implements Arena {
        private final Arena arena = Arena.ofShared();
        private final AtomicInteger open;

        CountedArena(AtomicInteger open) {
            this.open = open;
            open.incrementAndGet();
        }

        @Override
        public MemorySegment allocate(long byteSize, long byteAlignment) {
            return arena.allocate(byteSize, byteAlignment);
        }

        @Override
        public MemorySegment.Scope scope() {
            return arena.scope();
        }

        @Override
        public void close() {
            arena.close();
            open.decrementAndGet();
        }
    }
}
