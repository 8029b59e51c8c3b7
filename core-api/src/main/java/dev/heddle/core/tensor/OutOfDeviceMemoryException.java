package dev.heddle.core.tensor;

import dev.heddle.core.Stable;

/**
 * A memory space cannot allocate what was asked for. Nothing was allocated.
 *
 * @since 0.1
 */
@Stable
public final class OutOfDeviceMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The requested size in bytes. */
    private final long requestedBytes;

    /**
     * Makes the exception.
     *
     * @param space where it was asked for
     * @param requestedBytes how much
     * @param detail what is left, or what to do, as a clause
     * @param cause what the platform said
     */
    public OutOfDeviceMemoryException(MemorySpaceId space, long requestedBytes, String detail,
            Throwable cause) {
        super(space + " cannot allocate " + requestedBytes + " bytes: " + detail, cause);
        this.requestedBytes = requestedBytes;
    }

    /** Returns the requested size in bytes. */
    public long requestedBytes() {
        return requestedBytes;
    }
}
