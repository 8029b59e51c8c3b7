package dev.heddle.core.spi;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Rejection;
import java.util.List;

/**
 * Whether a backend's device is there.
 *
 * @since 0.1
 */
@Stable
public sealed interface Availability {
    /**
     * It is.
     *
     * @param devices one or more, the preferred one first
     */
    record Available(List<DeviceInfo> devices) implements Availability {
        /** Copies the list, which must not be empty. */
        public Available {
            devices = List.copyOf(devices);
            if (devices.isEmpty()) {
                throw new IllegalArgumentException("an available backend has at least one device");
            }
        }
    }

    /**
     * It is not.
     *
     * @param rejections one or more reasons
     */
    record Unavailable(List<Rejection> rejections) implements Availability {
        /** Copies the list, which must not be empty. */
        public Unavailable {
            rejections = List.copyOf(rejections);
            if (rejections.isEmpty()) {
                throw new IllegalArgumentException("what is unavailable must have a reason");
            }
        }
    }

    /** Returns the answer of a backend that runs on the CPU alone. */
    static Availability onHost() {
        return new Available(List.of(DeviceInfo.host()));
    }
}
