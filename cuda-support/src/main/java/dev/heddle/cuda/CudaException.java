package dev.heddle.cuda;

import dev.heddle.core.Evolving;

/**
 * A call of the CUDA driver failed.
 *
 * @since 0.1
 */
@Evolving
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What the driver returned. */
    private final int code;

    CudaException(String call, String name, int code, String detail) {
        super(call + " failed with " + name + " (" + code + ")" + (detail.isEmpty() ? "" : ": " + detail));
        this.code = code;
    }

    /** Returns the driver's code, a {@code CUresult}. */
    public int code() {
        return code;
    }
}
