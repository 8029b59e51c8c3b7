package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import org.jspecify.annotations.Nullable;

/**
 * One reason why a backend cannot run something. The message reads without the code: {@code cuda-core cannot run
 * this batch: group size 7 requested, {1,2,4,8} allowed; use tensor-core, or enable run-time compilation}.
 *
 * @param backendId who cannot; a jar or class name where the id is not known
 * @param code the kind of reason
 * @param phase when it was found
 * @param dimension what it is about
 * @param requested what was asked for
 * @param allowed what would do
 * @param remedy what to do about it; empty if nothing is known
 * @param message all of it in one sentence
 * @param cause the failure behind it, if there is one
 * @since 0.1
 */
@Stable
public record Rejection(
        String backendId,
        RejectionCode code,
        Phase phase,
        Dimension dimension,
        String requested,
        String allowed,
        String remedy,
        String message,
        @Nullable Throwable cause) {

    /** Makes a rejection whose message is put together from its parts. */
    public static Rejection of(
            String backendId,
            RejectionCode code,
            Phase phase,
            Dimension dimension,
            String requested,
            String allowed,
            String remedy) {
        String message =
                backendId + " cannot run this batch: " + dimension.id().replace('.', ' ') + " " + requested
                        + " requested, " + allowed + " allowed" + (remedy.isEmpty() ? "" : "; " + remedy);
        return new Rejection(backendId, code, phase, dimension, requested, allowed, remedy, message, null);
    }

    /**
     * Makes a rejection that comes from a failure: a driver that is missing, a class that does not link.
     *
     * @param problem what is wrong, as a clause: {@code the driver libcuda.so.1 was not found}
     * @param cause the failure, or null
     */
    public static Rejection failure(
            String backendId,
            RejectionCode code,
            Phase phase,
            Dimension dimension,
            String problem,
            String remedy,
            @Nullable Throwable cause) {
        String message = backendId + ": " + problem + (remedy.isEmpty() ? "" : "; " + remedy);
        return new Rejection(backendId, code, phase, dimension, problem, "", remedy, message, cause);
    }
}
