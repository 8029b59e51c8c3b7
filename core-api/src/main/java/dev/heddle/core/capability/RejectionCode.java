package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * The kind of reason, for programs; people read the message.
 *
 * @since 0.1
 */
@Stable
public enum RejectionCode {
    /** A dimension's value is not declared. */
    UNSUPPORTED_VALUE,
    /** A feature, mask or mode is not declared. */
    NOT_DECLARED,
    /** The provider was built for a newer SPI. */
    SPI_VERSION,
    /** The provider's id is malformed. */
    INVALID_ID,
    /** Two providers claim one id. */
    DUPLICATE_ID,
    /** The provider cannot be loaded, linked or made, or throws when asked to describe itself. */
    PROVIDER_FAILED,
    /** Driver, device or library is missing or too old. */
    DEVICE_UNAVAILABLE,
    /** Opening the backend failed. */
    OPEN_FAILED,
    /** The caller named other backends. */
    NOT_PINNED,
    /** It failed before and was set aside. */
    QUARANTINED,
    /** Too little memory for the plan. */
    RESOURCES,
    /** Planning or running failed. */
    BACKEND_FAILED
}
