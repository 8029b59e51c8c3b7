package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.BackendSession;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.HostMemorySpace;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A subject, opened once on the first device that it finds, for all cases of a run. Host memory that the subject
 * takes from its context lies between guard zones.
 *
 * @since 0.1
 */
@Evolving
public final class Bench implements AutoCloseable {
    private final Subject subject;
    private final KitOptions options;
    private final GuardedArenas arenas = new GuardedArenas();
    private @Nullable OwnedContext context;
    private @Nullable BackendSession session;

    /** Makes a bench; nothing is opened before it is needed. */
    public Bench(Subject subject, KitOptions options) {
        this.subject = subject;
        this.options = options;
    }

    /** Returns the backend under test. */
    public Subject subject() {
        return subject;
    }

    /** Returns what the run covers. */
    public KitOptions options() {
        return options;
    }

    /** Returns the guard zones around what the subject allocates on the host. */
    GuardedArenas arenas() {
        return arenas;
    }

    /** Returns the device that was opened, or null if none was. */
    public @Nullable DeviceInfo device() {
        return session == null ? null : session.device();
    }

    /**
     * Returns the shared session; cases must not close it.
     *
     * @throws NotDeclaredException if no device is there
     * @throws ConformanceFailure if the backend cannot be opened
     */
    public synchronized BackendSession session() {
        if (session == null) {
            DeviceInfo device = firstDevice(subject);
            OwnedContext made = newContext();
            context = made;
            session = openOn(subject, made, device);
        }
        return session;
    }

    /** Returns a new context whose host memory is guarded; the caller closes it, after its sessions. */
    public OwnedContext newContext() {
        return newContext(new HostMemorySpace(arenas::newArena));
    }

    /** Returns a new context on host memory that the caller watches; the caller closes it, after its sessions. */
    public OwnedContext newContext(HostMemorySpace host) {
        return new OwnedContext(null, Runtime.getRuntime().availableProcessors(), options.cacheDirectory(),
                host);
    }

    /** Opens the subject once more in a context; the caller closes the session. */
    public BackendSession open(OwnedContext in) {
        return openOn(subject, in, firstDevice(subject));
    }

    private static BackendSession openOn(Subject subject, OwnedContext context, DeviceInfo device) {
        try {
            return BackendSession.open(subject.provider(), context.forDevice(device));
        } catch (BackendFailureException e) {
            throw new ConformanceFailure(
                    "the backend does not open on " + device.name() + ": " + e.getMessage(), e);
        }
    }

    private static DeviceInfo firstDevice(Subject subject) {
        return switch (subject.provider().probe()) {
            case Availability.Available available -> available.devices().getFirst();
            case Availability.Unavailable unavailable -> throw new NotDeclaredException("no device: "
                    + unavailable.rejections().stream().map(r -> r.message())
                            .collect(Collectors.joining("; ")));
        };
    }

    /** Closes the session and its context. */
    @Override
    public synchronized void close() {
        try {
            if (session != null) {
                session.close();
            }
        } finally {
            if (context != null) {
                context.close();
            }
        }
    }
}
