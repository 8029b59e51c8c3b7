package dev.heddle.planner;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.PlanOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a caller asks of one choice.
 *
 * @param backends ids that may be taken; empty for any. A pinned backend that cannot run is an error with its
 *     reasons, never another in its place
 * @param options wishes for the plan; null for the default options in {@link Heddle#memorySpace()}
 * @since 0.1
 */
@Stable
public record PlanRequest(List<String> backends, @Nullable PlanOptions options) {
    /** Any backend, default options. */
    public static final PlanRequest DEFAULT = new PlanRequest(List.of(), null);

    /** Copies the list. */
    public PlanRequest {
        backends = List.copyOf(backends);
    }

    /** Returns a request for these backends only. */
    public static PlanRequest pin(String... ids) {
        return new PlanRequest(List.of(ids), null);
    }

    /** Returns this request with options. */
    public PlanRequest with(PlanOptions wishes) {
        return new PlanRequest(backends, wishes);
    }
}
