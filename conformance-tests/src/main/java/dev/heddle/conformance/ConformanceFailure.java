package dev.heddle.conformance;

import dev.heddle.core.Evolving;

/**
 * A subject breaks a rule. An {@link AssertionError}, so that test frameworks count it as a failure.
 *
 * @since 0.1
 */
@Evolving
public final class ConformanceFailure extends AssertionError {
    private static final long serialVersionUID = 1;

    /** Makes the failure; {@code message} says what was expected and what was got. */
    public ConformanceFailure(String message) {
        super(message);
    }

    /** Makes a failure that comes from another one. */
    public ConformanceFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
