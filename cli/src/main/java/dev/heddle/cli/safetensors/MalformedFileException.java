package dev.heddle.cli.safetensors;

import java.nio.file.Path;

/** A file is not what it says it is. The message names the file, what is wrong where, and what was expected. */
public final class MalformedFileException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    /** Makes the exception. */
    public MalformedFileException(Path file, String problem) {
        super(file + ": " + problem);
    }
}
