package dev.heddle.conformance.rules.chapter5;

import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Rule;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Rule 5.04. */
final class UseAfterClose implements Rule {
    private static final int BYTES = 64;

    @Override
    public String id() {
        return "5.04";
    }

    @Override
    public String claim() {
        return "Use after close is IllegalStateException; a second close does nothing";
    }

    @Override
    public List<ConformanceCase> cases(Subject subject, KitOptions options) {
        return List.of(
                ConformanceCase.plain(id(), Requests.shape(subject, "plan"), options, UseAfterClose::plan),
                ConformanceCase.plain(id(), Requests.shape(subject, "buffers"), options,
                        UseAfterClose::buffers),
                ConformanceCase.plain(id(), "memory", options, UseAfterClose::memory));
    }

    private static void plan(Kit kit) {
        kit.session();
        Request request = new Requests(kit.capabilities()).decode(kit.seed(), 20).build();
        OwnedContext context = kit.bench().newContext();
        try (context) {
            BackendSession session = kit.bench().open(context);
            MemorySpace space = session.memorySpace();
            PlanOptions options = PlanOptions.in(space.id());
            try (Placed placed = new Placed(space, request, kit.capabilities().alignment())) {
                SessionPlan plan = session.plan(request.spec(), request.batch(), options);
                SessionPlan left = session.plan(request.spec(), request.batch(), options);
                twice("a plan", plan::close);
                require("run of a closed plan", () -> kit.run(plan, placed));
                require("queue of a closed plan", plan::queue);
                kit.run(left, placed); // closing one plan closes no other
                twice("a session", session::close);
                require("run of a plan of a closed session", () -> kit.run(left, placed));
                require("plan of a closed session",
                        () -> session.plan(request.spec(), request.batch(), options));
            }
        }
        twice("a context", context::close);
    }

    private static void buffers(Kit kit) {
        Request request = new Requests(kit.capabilities()).decode(kit.seed(), 20).build();
        Placed placed = kit.place(request);
        try (placed) {
            kit.run(request); // what has to be loaded or compiled first
        }
        try (SessionPlan plan = kit.plan(request, kit.options())) {
            require("run on closed buffers",
                    () -> plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads()));
        }
    }

    private static void memory(Kit kit) {
        MemorySpace space = kit.space();
        ExecutionQueue queue = space.defaultQueue();
        Buffer buffer = space.allocate(BYTES, BYTES);
        twice("a buffer", buffer::close);
        if (buffer.isOpen()) {
            throw new ConformanceFailure("a closed buffer of " + space.id() + " says that it is open");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(BYTES);
            require("a copy from a closed buffer", () -> space.copyToHost(buffer, 0, host, queue));
            require("a copy to a closed buffer", () -> space.copyFromHost(host, buffer, 0, queue));
        }
        ExecutionQueue own = space.newQueue();
        twice("a queue", own::close);
    }

    private static void twice(String what, Runnable close) {
        for (int i = 1; i <= 2; i++) {
            try {
                close.run();
            } catch (RuntimeException | LinkageError | AssertionError e) {
                throw new ConformanceFailure("close number " + i + " of " + what + " threw " + e, e);
            }
        }
    }

    private static void require(String what, Runnable use) {
        try {
            use.run();
        } catch (IllegalStateException e) {
            return;
        } catch (RuntimeException | LinkageError | AssertionError e) {
            throw new ConformanceFailure(what + " must throw IllegalStateException, threw " + e, e);
        }
        throw new ConformanceFailure(what + " must throw IllegalStateException, threw nothing");
    }
}
