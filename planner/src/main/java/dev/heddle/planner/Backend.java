package dev.heddle.planner;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** A usable backend: opened when first needed, set aside when it fails. */
final class Backend implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger("dev.heddle.planner");

    private final Discovery.Usable usable;
    private final OwnedContext context;
    private final CalibrationStore calibrations;
    private final BiFunction<Backend, BackendFailureException, Rejection> onFailure;
    private @Nullable BackendSession session;
    private @Nullable CostProfile profile;
    private volatile @Nullable Rejection quarantine;

    /** Makes a backend; {@code onFailure} is called where it fails to open or to refine, and sets it aside. */
    Backend(
            Discovery.Usable usable,
            OwnedContext context,
            CalibrationStore calibrations,
            BiFunction<Backend, BackendFailureException, Rejection> onFailure) {
        this.usable = usable;
        this.context = context;
        this.calibrations = calibrations;
        this.onFailure = onFailure;
    }

    String name() {
        return usable.name();
    }

    Discovery.Usable usable() {
        return usable;
    }

    MemorySpaceId space() {
        return usable.device().space();
    }

    boolean matches(String pinned) {
        return pinned.equals(usable.name()) || pinned.equals(usable.provider().id());
    }

    /** Returns the open session; opens it the first time. */
    synchronized BackendSession session() {
        if (session == null) {
            session = BackendSession.open(usable.provider(), context.forDevice(usable.device()));
        }
        return session;
    }

    /** Returns the constants of the cost model: measured ones if there are any. */
    synchronized CostProfile profile() {
        if (profile == null) {
            profile = calibrations.load(usable).orElseGet(this::shipped);
        }
        return profile;
    }

    private CostProfile shipped() {
        BackendSession open = session();
        try {
            return Objects.requireNonNull(open.costProfile(), "costProfile() returned null");
        } catch (RuntimeException | LinkageError | AssertionError e) {
            // It can still compute: without constants it is chosen last.
            LOGGER.log(System.Logger.Level.WARNING, "backend " + name() + " cannot name its cost profile", e);
            return CostProfile.UNKNOWN;
        }
    }

    synchronized void calibrated(CostProfile measured) {
        profile = measured;
    }

    /** Returns why a request cannot run here; empty if it can. */
    List<Rejection> rejections(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        Rejection aside = quarantine;
        if (aside != null) {
            return List.of(aside);
        }
        // The declaration answers without opening the device.
        List<Rejection> declared = usable.capabilities().evaluate(name(), spec, batch, options).rejections();
        if (!declared.isEmpty()) {
            return declared;
        }
        if (!space().equals(options.space())) {
            return List.of(Rejection.of(name(), RejectionCode.UNSUPPORTED_VALUE, Phase.SELECTION,
                    Dimension.MEMORY_SPACE, options.space().toString(), space().toString(),
                    "allocate q, out and the cache in " + space()));
        }
        try {
            return session().support(spec, batch, options).rejections();
        } catch (BackendFailureException e) {
            return List.of(onFailure.apply(this, e));
        }
    }

    Rejection setAside(BackendFailureException failure) {
        Throwable cause = failure.getCause() == null ? failure : failure.getCause();
        RejectionCode code =
                failure.phase() == Phase.DISCOVERY ? RejectionCode.OPEN_FAILED : RejectionCode.QUARANTINED;
        Rejection rejection = Rejection.failure(name(), code, Phase.SELECTION, Dimension.BACKEND_ID,
                "set aside because it failed in phase " + failure.phase() + " with " + cause,
                "mend the cause, then clear the quarantine or start again", failure);
        quarantine = rejection;
        return rejection;
    }

    @Nullable
    Rejection quarantine() {
        return quarantine;
    }

    void clearQuarantine() {
        quarantine = null;
    }

    @Override
    public synchronized void close() {
        if (session != null) {
            session.close();
        }
    }
}
