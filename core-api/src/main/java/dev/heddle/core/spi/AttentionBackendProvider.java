package dev.heddle.core.spi;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Capabilities;

/**
 * A backend as {@link java.util.ServiceLoader} finds it. It needs a public no-argument constructor (or a {@code
 * provider()} method in a named module) that does next to nothing.
 *
 * <p>{@link #id}, {@link #version}, {@link #spiVersion} and {@link #capabilities} touch no device, never throw, and
 * answer the same at every call. May be called from any thread.
 *
 * @since 0.1
 */
@Stable
public interface AttentionBackendProvider {
    /** The newest SPI that this core-api serves. A provider built for a newer one is rejected in words. */
    int SPI_VERSION = 1;

    /** Returns the backend's name, unique among all providers, matching {@code [a-z][a-z0-9-]*}. */
    String id();

    /** Returns the backend's own version, for reports and as a key of calibration; any text without line breaks. */
    default String version() {
        String version = getClass().getPackage().getImplementationVersion();
        return version == null ? "unversioned" : version;
    }

    /** Returns the SPI version that this class was written for; 1 unless overridden with a newer constant. */
    default int spiVersion() {
        return 1;
    }

    /** Returns what this backend can run on the best device that it knows; {@link AttentionBackend#refine} narrows. */
    Capabilities capabilities();

    /**
     * Looks for devices. Absent hardware, a missing driver or library is an {@link Availability.Unavailable} with
     * reasons, never an exception.
     */
    default Availability probe() {
        return Availability.onHost();
    }

    /**
     * Opens the backend on {@link BackendContext#device()}.
     *
     * @param context the caller's resources; valid until the backend is closed
     * @return a backend that the caller closes
     * @throws RuntimeException if it cannot be opened; the planner shows it as a rejection
     */
    AttentionBackend open(BackendContext context);
}
