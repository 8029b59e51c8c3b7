package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import java.util.List;

/**
 * Whether a backend can run something.
 *
 * @since 0.1
 */
@Stable
public sealed interface Support {
    /** It can. */
    record Supported() implements Support {}

    /**
     * It cannot, for all of these reasons.
     *
     * @param rejections one or more
     */
    record Unsupported(List<Rejection> rejections) implements Support {
        /** Copies the list, which must not be empty. */
        public Unsupported {
            rejections = List.copyOf(rejections);
            if (rejections.isEmpty()) {
                throw new IllegalArgumentException("what is unsupported must have a reason");
            }
        }
    }

    /** Returns the answer for a list of reasons: supported if it is empty. */
    static Support of(List<Rejection> rejections) {
        return rejections.isEmpty() ? new Supported() : new Unsupported(rejections);
    }

    /** Returns whether it can. */
    default boolean isSupported() {
        return this instanceof Supported;
    }

    /** Returns the reasons; empty if it can. */
    default List<Rejection> rejections() {
        return switch (this) {
            case Supported() -> List.of();
            case Unsupported(List<Rejection> reasons) -> reasons;
        };
    }
}
