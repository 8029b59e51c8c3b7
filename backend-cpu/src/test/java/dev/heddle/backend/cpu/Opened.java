package dev.heddle.backend.cpu;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.HostMemorySpace;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The backend opened with a number of workers, as callers open it. */
final class Opened implements AutoCloseable {
    private final OwnedContext context;
    private final BackendSession session;

    Opened(AttentionBackendProvider provider, int parallelism, @Nullable Executor executor) {
        context = new OwnedContext(executor, parallelism, null, new HostMemorySpace());
        session = BackendSession.open(provider, context.forDevice(DeviceInfo.host()));
    }

    Opened(AttentionBackendProvider provider, int parallelism) {
        this(provider, parallelism, null);
    }

    Opened(int parallelism, @Nullable Executor executor) {
        this(new CpuBackendProvider(), parallelism, executor);
    }

    Opened(int parallelism) {
        this(parallelism, null);
    }

    BackendSession session() {
        return session;
    }

    Placed place(Request request) {
        return new Placed(session.memorySpace(), request, 1);
    }

    SessionPlan plan(Request request) {
        return session.plan(request.spec(), request.batch(), PlanOptions.DEFAULT);
    }

    /** Runs a request once into poisoned outputs between guard zones. */
    Output run(Request request) {
        return run(request, PlanOptions.DEFAULT);
    }

    Output run(Request request, PlanOptions options) {
        try (Placed placed = place(request);
                SessionPlan plan = session.plan(request.spec(), request.batch(), options)) {
            run(plan, placed);
            String trespass = placed.trespass();
            if (!trespass.isEmpty()) {
                throw new AssertionError(trespass);
            }
            return placed.read();
        }
    }

    static void run(SessionPlan plan, Placed placed) {
        plan.run(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
    }

    @Override
    public void close() {
        session.close();
        context.close();
    }
}
