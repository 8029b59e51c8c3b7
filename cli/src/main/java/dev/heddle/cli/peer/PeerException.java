package dev.heddle.cli.peer;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A peer failed at a row. */
public final class PeerException extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    /** Says what failed. */
    public PeerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
