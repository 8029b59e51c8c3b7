package dev.heddle.planner;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.spi.DeviceInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing that discovery found.
 *
 * @param id the backend's id, {@code id@space} for its further devices; a class name where the id is not known
 * @param version the backend's version; empty where it is not known
 * @param status whether it can be used
 * @param device its device, if it has one
 * @param capabilities its declaration, if it could give one
 * @param rejections why it cannot be used; empty if it can
 * @param origin the jar, folder or module that it came from
 * @since 0.1
 */
@Stable
public record BackendReport(
        String id,
        String version,
        Status status,
        @Nullable DeviceInfo device,
        @Nullable Capabilities capabilities,
        List<Rejection> rejections,
        String origin) {
    /** Whether a backend can be used. */
    public enum Status {
        /** It can. */
        AVAILABLE,
        /** Its device is not there, it failed to open, or it is quarantined. */
        UNAVAILABLE,
        /** It cannot be loaded, or describes itself in a way that cannot be used. */
        BROKEN
    }

    /** Copies the list. */
    public BackendReport {
        rejections = List.copyOf(rejections);
    }
}
