package dev.heddle.conformance;

import dev.heddle.core.Evolving;

/**
 * A case does not apply to the subject, because what it is about is not declared or not there.
 *
 * @since 0.1
 */
@Evolving
public final class NotDeclaredException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Makes the exception; {@code reason} says what is missing. */
    public NotDeclaredException(String reason) {
        super(reason);
    }
}
