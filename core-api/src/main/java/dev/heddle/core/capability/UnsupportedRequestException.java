package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What was asked for cannot be run. Carries every reason of every backend that was considered; nothing was written.
 *
 * @since 0.1
 */
@Stable
public final class UnsupportedRequestException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The reasons. */
    private final transient List<Rejection> rejections;

    /**
     * Makes the exception.
     *
     * @param summary what failed, in one sentence without a full stop
     * @param rejections the reasons, which the message lists
     */
    public UnsupportedRequestException(String summary, List<Rejection> rejections) {
        super(
                summary
                        + rejections.stream().map(r -> "\n  " + r.message()).collect(Collectors.joining()),
                rejections.stream().map(Rejection::cause).filter(c -> c != null).findFirst().orElse(null));
        this.rejections = List.copyOf(rejections);
    }

    /** Returns the reasons; empty after deserialisation. */
    public List<Rejection> rejections() {
        return rejections == null ? List.of() : rejections;
    }
}
