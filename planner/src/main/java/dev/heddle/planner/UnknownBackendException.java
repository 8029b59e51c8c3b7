package dev.heddle.planner;

import dev.heddle.core.Stable;
import java.util.List;

/**
 * A backend was named that was not found. The message lists those that were.
 *
 * @since 0.1
 */
@Stable
public final class UnknownBackendException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    /** Makes the exception. */
    public UnknownBackendException(String id, List<String> known) {
        super("no backend '" + id + "'; found: " + (known.isEmpty() ? "none" : String.join(", ", known))
                + (known.isEmpty() ? ". Put a backend's jar on the class path or module path" : ""));
    }
}
