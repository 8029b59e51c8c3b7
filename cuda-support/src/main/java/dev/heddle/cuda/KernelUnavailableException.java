package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import org.jspecify.annotations.Nullable;

/**
 * No image of a kernel fits the device, and none could be compiled.
 *
 * @since 0.1
 */
@Evolving
public final class KernelUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    KernelUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
