package dev.heddle.planner;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.Tensor;
import dev.heddle.planner.Decisions.ShapeClass;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Paged attention on the best backend that is there. Open one, plan once per step, run once per layer:
 *
 * <pre>{@code
 * try (var heddle = Heddle.open();
 *         var cache = heddle.allocateKvCache(spec, layers, pages);
 *         var plan = heddle.plan(spec, BatchShape.of(qoIndptr, pageTable))) {
 *     for (int layer = 0; layer < layers; layer++) {
 *         plan.run(q.get(layer), cache.layer(layer), out.get(layer), lse.get(layer));
 *     }
 *     plan.queue().synchronize();
 * }
 * }</pre>
 *
 * <p>May be used from any thread. Two instances share nothing.
 *
 * @since 0.1
 */
@Stable
public final class Heddle implements AutoCloseable {
    private static final int ALIGNMENT = 256;
    private static final System.Logger LOGGER = System.getLogger("dev.heddle.planner");

    private final List<Backend> backends = new ArrayList<>();
    private final Selection selection;
    private final OwnedContext context;
    private final CalibrationStore calibrations;
    private final MemorySpaceId space;
    private final Consumer<PlannerEvent> listener;
    private final Plugins plugins;
    private volatile boolean closed;

    Heddle(
            List<Discovery.Found> found,
            OwnedContext context,
            CalibrationStore calibrations,
            List<String> pinned,
            @Nullable MemorySpaceId space,
            Consumer<PlannerEvent> listener,
            Plugins plugins) {
        this.plugins = plugins;
        this.context = context;
        this.calibrations = calibrations;
        this.listener = listener;
        for (Discovery.Found one : found) {
            if (one.usable() != null) {
                backends.add(new Backend(one.usable(), context, calibrations, this::quarantine));
            }
            for (Rejection rejection : one.report().rejections()) {
                LOGGER.log(System.Logger.Level.DEBUG, "{0}", rejection.message());
            }
        }
        this.selection = new Selection(found, backends, pinned);
        this.space = space != null ? space : selection.preferredSpace();
    }

    /** Opens with defaults. */
    public static Heddle open() {
        return builder().open();
    }

    /** Starts a configuration. */
    public static HeddleBuilder builder() {
        return new HeddleBuilder();
    }

    /** Returns everything that discovery found, usable or not, and why not. */
    public List<BackendReport> backends() {
        return selection.reports();
    }

    /** Returns the memory space that plans and caches use unless a request says otherwise. */
    public MemorySpace memorySpace() {
        return memorySpace(space);
    }

    /**
     * Returns a memory space by its name: the host's, or that of a device that a backend reads.
     *
     * @throws IllegalArgumentException if no backend reads it
     */
    public MemorySpace memorySpace(MemorySpaceId id) {
        requireOpen();
        if (id.isHost()) {
            return context.hostSpace();
        }
        for (Backend backend : backends) {
            if (backend.space().equals(id)) {
                return backend.session().memorySpace();
            }
        }
        throw new IllegalArgumentException("no backend reads memory space " + id + "; found: "
                + backends.stream().map(b -> b.name() + " in " + b.space()).toList());
    }

    /** Allocates a KV cache in {@link #memorySpace()}; the caller closes it, before this. */
    public KvCache allocateKvCache(AttentionSpec spec, int layers, int pages) {
        return KvCache.allocate(memorySpace(), spec, layers, pages);
    }

    /** Allocates a dense tensor in {@link #memorySpace()}; it lives until its buffer, or this, is closed. */
    public Tensor allocate(DataType dtype, long... shape) {
        long elements = 1;
        for (long extent : shape) {
            elements = Math.multiplyExact(elements, extent);
        }
        return Tensor.of(
                memorySpace().allocate(Math.multiplyExact(elements, dtype.byteSize()), ALIGNMENT), dtype,
                shape);
    }

    /** As {@link #plan(AttentionSpec, BatchShape, PlanRequest)}, with any backend and default options. */
    public AttentionPlan plan(AttentionSpec spec, BatchShape batch) {
        return plan(spec, batch, PlanRequest.DEFAULT);
    }

    /**
     * Makes a plan on the backend with the lowest estimate among those that can run it.
     *
     * @throws UnsupportedRequestException if none can, with every backend's reasons
     * @throws BackendFailureException if a pinned backend fails at what it declares
     */
    public AttentionPlan plan(AttentionSpec spec, BatchShape batch, PlanRequest request) {
        requireOpen();
        JfrEvents.PlanEvent event = new JfrEvents.PlanEvent();
        event.begin();
        List<String> pins = selection.pins(request);
        PlanOptions options = options(request);
        ShapeClass shape = ShapeClass.of(spec, batch, pins, options);
        Backend known = selection.kept(shape, spec, batch, options);
        Backend backend = known != null ? known : selection.choose(spec, batch, pins, options, shape);
        while (true) {
            try {
                SessionPlan plan = backend.session().plan(spec, batch, options);
                event.backend = backend.name();
                event.batchSize = batch.batchSize();
                event.cached = known != null;
                event.commit();
                return new AttentionPlan(this, request, backend, plan);
            } catch (BackendFailureException e) {
                quarantine(backend, e);
                if (!pins.isEmpty()) {
                    throw e;
                }
                backend = selection.choose(spec, batch, pins, options, shape);
            }
        }
    }

    /** As {@link #explain(AttentionSpec, BatchShape, PlanRequest)}, with any backend and default options. */
    public PlanReport explain(AttentionSpec spec, BatchShape batch) {
        return explain(spec, batch, PlanRequest.DEFAULT);
    }

    /** Says which backend {@link #plan} would take, why, and why not the others; runs nothing. */
    public PlanReport explain(AttentionSpec spec, BatchShape batch, PlanRequest request) {
        requireOpen();
        return selection.explain(spec, batch, selection.pins(request), options(request));
    }

    private PlanOptions options(PlanRequest request) {
        return request.options() == null ? PlanOptions.in(space) : request.options();
    }

    Rejection quarantine(Backend backend, BackendFailureException failure) {
        Rejection rejection = backend.setAside(failure);
        selection.forget();
        JfrEvents.QuarantineEvent event = new JfrEvents.QuarantineEvent();
        event.backend = backend.name();
        event.cause = String.valueOf(failure.getMessage());
        event.commit();
        listener.accept(new PlannerEvent.Quarantined(backend.name(), rejection));
        return rejection;
    }

    void recovered(String from, String to) {
        listener.accept(new PlannerEvent.Recovered(from, to));
    }

    boolean isPinned(PlanRequest request) {
        return !selection.pins(request).isEmpty();
    }

    /** Lets a quarantined backend be chosen again. */
    public void clearQuarantine(String id) {
        for (Backend backend : backends) {
            if (backend.matches(id)) {
                backend.clearQuarantine();
            }
        }
        selection.forget();
    }

    /**
     * Lets a backend tune itself, measures the constants of its cost model here and now, and keeps them in the calibration
     * directory.
     *
     * @param id a usable backend
     * @param progress told the share done, 0 … 1
     * @throws UnknownBackendException if there is no such usable backend
     */
    public Calibration calibrate(String id, DoubleConsumer progress) {
        requireOpen();
        for (Backend backend : backends) {
            if (backend.matches(id)) {
                calibrations.requireDirectory(); // before minutes of measuring
                backend.session().tune(share -> progress.accept(share / 2));
                Calibration measured =
                        new Calibrator(backend.session(), share -> progress.accept((1 + share) / 2))
                                .measure();
                calibrations.save(backend.usable(), measured.profile());
                backend.calibrated(measured.profile());
                selection.forget();
                return measured;
            }
        }
        throw new UnknownBackendException(id, backends.stream().map(Backend::name).toList());
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("Heddle is closed");
        }
    }

    /** Closes plans, backends and memory; a second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Backend backend : backends) {
            try {
                backend.close();
            } catch (RuntimeException | LinkageError | AssertionError e) {
                // One that fails to close must not keep the others, nor the memory, open.
                LOGGER.log(System.Logger.Level.WARNING, "backend " + backend.name() + " failed to close", e);
            }
        }
        context.close();
        plugins.close();
    }
}
