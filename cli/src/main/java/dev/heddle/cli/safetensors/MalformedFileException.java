package dev.heddle.cli.safetensors;

import java.nio.file.Path;

/** A file is not what it says it is. The message names the file, what is wrong where, and what was expected. */
public final class MalformedFileException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private static final int LONGEST = 400;

    /** Makes the exception. The problem may quote the file: control characters and length are taken out of it. */
    public MalformedFileException(Path file, String problem) {
        super(file + ": " + inOneLine(problem));
    }

    private static String inOneLine(String problem) {
        String line = problem.replaceAll("\\p{Cntrl}+", " ");
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "…";
    }
}
