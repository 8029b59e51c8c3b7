package dev.heddle.planner;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
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
import java.util.Map;
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

    private final List<Discovery.Found> found;
    private final List<Backend> backends = new ArrayList<>();
    private final OwnedContext context;
    private final CalibrationStore calibrations;
    private final List<String> pinned;
    private final MemorySpaceId space;
    private final Consumer<PlannerEvent> listener;
    private final Plugins plugins;
    private final Decisions decisions = new Decisions();
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
        this.found = List.copyOf(found);
        this.context = context;
        this.calibrations = calibrations;
        this.pinned = pinned;
        this.listener = listener;
        for (Discovery.Found one : found) {
            if (one.usable() != null) {
                backends.add(new Backend(one.usable(), context, calibrations, this::quarantine));
            }
            for (Rejection rejection : one.report().rejections()) {
                LOGGER.log(System.Logger.Level.DEBUG, "{0}", rejection.message());
            }
        }
        this.space = space != null ? space : preferredSpace();
    }

    /** An accelerator's memory; the host's where there is none; a space of the host's processor where nobody reads that. */
    private MemorySpaceId preferredSpace() {
        for (Backend backend : backends) {
            if (!backend.usable().device().isHostProcessor()) {
                return backend.space();
            }
        }
        boolean host = backends.isEmpty()
                || backends.stream().anyMatch(backend -> backend.space().equals(MemorySpaceId.HOST));
        return host ? MemorySpaceId.HOST : backends.getFirst().space();
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
        List<BackendReport> reports = new ArrayList<>();
        for (Discovery.Found one : found) {
            BackendReport report = one.report();
            Rejection aside = quarantineOf(report.id());
            reports.add(aside == null
                    ? report
                    : new BackendReport(report.id(), report.version(), BackendReport.Status.UNAVAILABLE,
                            report.device(), report.capabilities(), List.of(aside), report.origin()));
        }
        return List.copyOf(reports);
    }

    private @Nullable Rejection quarantineOf(String id) {
        for (Backend backend : backends) {
            if (backend.name().equals(id)) {
                return backend.quarantine();
            }
        }
        return null;
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
        List<String> pins = pins(request);
        PlanOptions options = options(request);
        ShapeClass shape = ShapeClass.of(spec, batch, pins, options);
        Backend known = decisions.get(shape);
        boolean cached = known != null && known.rejections(spec, batch, options).isEmpty();
        Backend backend = cached ? known : choose(spec, batch, pins, options, shape);
        while (true) {
            try {
                SessionPlan plan = backend.session().plan(spec, batch, options);
                event.backend = backend.name();
                event.batchSize = batch.batchSize();
                event.cached = cached;
                event.commit();
                return new AttentionPlan(this, request, backend, plan);
            } catch (BackendFailureException e) {
                quarantine(backend, e);
                if (!pins.isEmpty()) {
                    throw e;
                }
                backend = choose(spec, batch, pins, options, shape);
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
        List<String> pins = pins(request);
        PlanOptions options = options(request);
        List<PlanReport.Candidate> candidates = candidates(spec, batch, pins, options);
        Backend known = decisions.get(ShapeClass.of(spec, batch, pins, options));
        String chosen = null;
        double least = Double.POSITIVE_INFINITY;
        for (PlanReport.Candidate candidate : candidates) {
            if (candidate.eligible()) {
                boolean kept = known != null && known.name().equals(candidate.backend());
                double estimate = kept ? Double.NEGATIVE_INFINITY : candidate.estimateMicros();
                if (estimate < least) {
                    least = estimate;
                    chosen = candidate.backend();
                }
            }
        }
        return new PlanReport(describe(spec, batch, options), chosen, candidates);
    }

    static String describe(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        String kv = batch.pageTable().minKvLen() == batch.pageTable().maxKvLen()
                ? "kv_len " + batch.pageTable().maxKvLen()
                : "kv_len " + batch.pageTable().minKvLen() + ".." + batch.pageTable().maxKvLen();
        String qo = batch.minQoLen() == batch.maxQoLen()
                ? "qo_len " + batch.maxQoLen()
                : "qo_len " + batch.minQoLen() + ".." + batch.maxQoLen();
        return spec + "; batch " + batch.batchSize() + ", " + qo + ", " + kv + ", in " + options.space();
    }

    private Backend choose(
            AttentionSpec spec, BatchShape batch, List<String> pins, PlanOptions options, ShapeClass shape) {
        Backend best = null;
        double least = Double.POSITIVE_INFINITY;
        for (Backend backend : backends) {
            if (wanted(backend, pins) && backend.rejections(spec, batch, options).isEmpty()) {
                double estimate = CostModel.total(CostModel.terms(backend.profile(), spec, batch));
                if (estimate < least) { // on a tie the first that was found, as in explain
                    least = estimate;
                    best = backend;
                }
            }
        }
        if (best != null) {
            decisions.put(shape, best);
            return best;
        }
        List<Rejection> reasons = candidates(spec, batch, pins, options).stream()
                .filter(c -> pins.isEmpty() || pins.stream().anyMatch(pin -> isNamed(c.backend(), pin)))
                .flatMap(c -> c.rejections().stream()).toList();
        JfrEvents.RejectionEvent event = new JfrEvents.RejectionEvent();
        if (event.shouldCommit()) {
            event.message = reasons.toString();
            event.commit();
        }
        throw new UnsupportedRequestException((pins.isEmpty() ? "no backend can run "
                : "backend " + String.join(" and ", pins) + " cannot run ")
                + describe(spec, batch, options)
                + (found.isEmpty() ? ": no backend was found; put a backend's jar on"
                        + " the class path or module path" : ""),
                reasons);
    }

    private List<PlanReport.Candidate> candidates(
            AttentionSpec spec, BatchShape batch, List<String> pins, PlanOptions options) {
        List<PlanReport.Candidate> candidates = new ArrayList<>();
        int next = 0;
        for (Discovery.Found one : found) {
            if (one.usable() == null) {
                candidates.add(rejected(one.report().id(), one.report().rejections()));
                continue;
            }
            Backend backend = backends.get(next++);
            if (!wanted(backend, pins)) {
                candidates.add(rejected(backend.name(), List.of(Rejection.failure(backend.name(),
                        RejectionCode.NOT_PINNED, Phase.SELECTION, Dimension.BACKEND_ID,
                        "not asked for: the request is pinned to " + pins, "name it too, or pin nothing",
                        null))));
                continue;
            }
            List<Rejection> rejections = backend.rejections(spec, batch, options);
            if (!rejections.isEmpty()) {
                candidates.add(rejected(backend.name(), rejections));
                continue;
            }
            Map<String, Double> terms = CostModel.terms(backend.profile(), spec, batch);
            candidates.add(
                    new PlanReport.Candidate(backend.name(), true, CostModel.total(terms), terms, List.of()));
        }
        return candidates;
    }

    private static PlanReport.Candidate rejected(String backend, List<Rejection> rejections) {
        return new PlanReport.Candidate(backend, false, null, Map.of(), rejections);
    }

    private static boolean wanted(Backend backend, List<String> pins) {
        if (pins.isEmpty()) {
            return true;
        }
        for (int i = 0; i < pins.size(); i++) {
            if (backend.matches(pins.get(i))) {
                return true;
            }
        }
        return false;
    }

    private List<String> pins(PlanRequest request) {
        List<String> pins = request.backends().isEmpty() ? pinned : request.backends();
        for (String pin : pins) {
            if (found.stream().noneMatch(f -> isNamed(f.report().id(), pin))) {
                throw new UnknownBackendException(pin, found.stream().map(f -> f.report().id()).toList());
            }
        }
        return pins;
    }

    /** Returns whether a pin means this id: the backend, or one of its further devices. */
    private static boolean isNamed(String id, String pin) {
        return id.equals(pin) || id.startsWith(pin + "@");
    }

    private PlanOptions options(PlanRequest request) {
        return request.options() == null ? PlanOptions.in(space) : request.options();
    }

    Rejection quarantine(Backend backend, BackendFailureException failure) {
        Rejection rejection = backend.setAside(failure);
        decisions.clear();
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
        return !pins(request).isEmpty();
    }

    /** Lets a quarantined backend be chosen again. */
    public void clearQuarantine(String id) {
        for (Backend backend : backends) {
            if (backend.matches(id)) {
                backend.clearQuarantine();
            }
        }
        decisions.clear();
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
                decisions.clear();
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
