package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;

/**
 * A call of OpenCL failed.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What the call returned. */
    private final int code;

    OpenClException(String call, int code, String detail) {
        super(call + " failed with " + ErrorName.of(code) + " (" + code + ")"
                + (detail.isEmpty() ? "" : ": " + detail));
        this.code = code;
    }

    /** Returns OpenCL's code, negative. */
    public int code() {
        return code;
    }
}
