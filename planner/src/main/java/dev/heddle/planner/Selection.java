package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.planner.Decisions.ShapeClass;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Filters what was found, estimates what is left, chooses the least, and says why: nothing here runs. */
final class Selection {
    private final List<Discovery.Found> found;
    private final List<Backend> backends;
    private final List<String> pinned;
    private final Decisions decisions = new Decisions();

    /**
     * Starts without decisions.
     *
     * @param found everything, usable or not
     * @param backends the usable ones, in the same order
     * @param pinned what requests that name no backend are pinned to; empty for any
     */
    Selection(List<Discovery.Found> found, List<Backend> backends, List<String> pinned) {
        this.found = List.copyOf(found);
        this.backends = List.copyOf(backends);
        this.pinned = pinned;
    }

    /** An accelerator's memory; the host's where there is none; a space of the host's processor where nobody reads that. */
    MemorySpaceId preferredSpace() {
        for (Backend backend : backends) {
            if (!backend.usable().device().isHostProcessor()) {
                return backend.space();
            }
        }
        boolean host = backends.isEmpty()
                || backends.stream().anyMatch(backend -> backend.space().equals(MemorySpaceId.HOST));
        return host ? MemorySpaceId.HOST : backends.getFirst().space();
    }

    /** Everything that was found; what is set aside is unavailable. */
    List<BackendReport> reports() {
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

    /** Returns the backend that was chosen for a class of shapes, or null where there is none or it cannot run this one. */
    @Nullable
    Backend kept(ShapeClass shape, AttentionSpec spec, BatchShape batch, PlanOptions options) {
        Backend known = decisions.get(shape);
        return known != null && known.rejections(spec, batch, options).isEmpty() ? known : null;
    }

    /** Forgets every choice: something has changed. */
    void forget() {
        decisions.clear();
    }

    /** Says what {@link #choose} or {@link #kept} would take, and why. */
    PlanReport explain(AttentionSpec spec, BatchShape batch, List<String> pins, PlanOptions options) {
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

    /**
     * Takes the lowest estimate among those that can run a batch, and keeps it for its class.
     *
     * @throws UnsupportedRequestException if none can, with every backend's reasons
     */
    Backend choose(
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

    /**
     * Returns what a request is pinned to; empty for any backend.
     *
     * @throws UnknownBackendException if a pin names nothing that was found
     */
    List<String> pins(PlanRequest request) {
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

    private static String describe(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        String kv = batch.pageTable().minKvLen() == batch.pageTable().maxKvLen()
                ? "kv_len " + batch.pageTable().maxKvLen()
                : "kv_len " + batch.pageTable().minKvLen() + ".." + batch.pageTable().maxKvLen();
        String qo = batch.minQoLen() == batch.maxQoLen()
                ? "qo_len " + batch.maxQoLen()
                : "qo_len " + batch.minQoLen() + ".." + batch.maxQoLen();
        return spec + "; batch " + batch.batchSize() + ", " + qo + ", " + kv + ", in " + options.space();
    }
}
