package dev.heddle.core.session;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Phase;

/**
 * A backend failed at something that it declares: a defect of the backend or of its device, not of the request.
 *
 * @since 0.1
 */
@Stable
public final class BackendFailureException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Who failed. */
    private final String backendId;

    /** When. */
    private final Phase phase;

    /** Makes the exception; the message names backend, phase and what the cause says. */
    public BackendFailureException(String backendId, Phase phase, Throwable cause) {
        super("backend " + backendId + " failed in phase " + phase + ": " + describe(cause), cause);
        this.backendId = backendId;
        this.phase = phase;
    }

    private static String describe(Throwable cause) {
        String message = cause.getMessage();
        return message == null ? cause.getClass().getName()
                : cause.getClass().getSimpleName() + ": " + message;
    }

    /** Returns the id of the backend that failed. */
    public String backendId() {
        return backendId;
    }

    /** Returns when it failed. */
    public Phase phase() {
        return phase;
    }
}
