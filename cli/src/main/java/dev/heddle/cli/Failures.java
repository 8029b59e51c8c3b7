package dev.heddle.cli;

import com.google.gson.JsonObject;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.tensor.OutOfDeviceMemoryException;
import dev.heddle.planner.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import picocli.CommandLine;

/** Turns what went wrong into one clear line, or one JSON document, and an exit code. */
final class Failures {
    static final int CHECK_FAILED = 1;
    static final int BAD_INPUT = 2;
    static final int UNSUPPORTED = 3;

    private final PrintWriter out;
    private final PrintWriter err;
    private final boolean json;
    private final boolean debug;

    Failures(PrintWriter out, PrintWriter err, boolean json, boolean debug) {
        this.out = out;
        this.err = err;
        this.json = json;
        this.debug = debug;
    }

    int usage(CommandLine.ParameterException e) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        return say(e, "USAGE", e.getMessage() + "; '" + command + " --help' lists what there is", List.of(),
                BAD_INPUT);
    }

    int heapTooSmall(OutOfMemoryError e) {
        long megabytes = Runtime.getRuntime().maxMemory() >> 20;
        return say(e, "OUT_OF_MEMORY",
                "the Java heap of " + megabytes
                        + " MB is too small; ask for a smaller batch, or set HEDDLE_JAVA_OPTS=-Xmx4g or more",
                List.of(), BAD_INPUT);
    }

    int report(Exception e) {
        return switch (e) {
            case UnsupportedRequestException u ->
                say(u, "UNSUPPORTED", u.getMessage(), u.rejections(), UNSUPPORTED);
            case BackendFailureException b ->
                say(b, "BACKEND_FAILED", b.getMessage(), List.of(), CHECK_FAILED);
            case OutOfDeviceMemoryException o ->
                say(o, "OUT_OF_MEMORY", o.getMessage(), List.of(), BAD_INPUT);
            case NoSuchFileException f ->
                say(f, "BAD_INPUT", f.getFile() + ": no such file", List.of(), BAD_INPUT);
            case AccessDeniedException f ->
                say(f, "BAD_INPUT", f.getFile() + ": not allowed to read or write it", List.of(), BAD_INPUT);
            case IOException i -> say(i, "BAD_INPUT", String.valueOf(i.getMessage()), List.of(), BAD_INPUT);
            case IllegalArgumentException i ->
                say(i, "BAD_INPUT", String.valueOf(i.getMessage()), List.of(), BAD_INPUT);
            case ArithmeticException a ->
                say(a, "BAD_INPUT", "a size is too large to be addressed: " + a.getMessage(), List.of(),
                        BAD_INPUT);
            default -> say(e, "INTERNAL", "unexpected " + e + "; run again with --debug and report it",
                    List.of(), CHECK_FAILED);
        };
    }

    private int say(Throwable e, String code, String message, List<Rejection> rejections, int exit) {
        if (debug) {
            e.printStackTrace(err);
        }
        if (json) {
            JsonObject error = new JsonObject();
            error.addProperty("code", code);
            error.addProperty("message", message);
            if (!rejections.isEmpty()) {
                error.add("rejections", Json.rejections(rejections));
            }
            JsonObject document = new JsonObject();
            document.add("error", error);
            out.println(document);
        } else {
            err.println("heddle: " + message);
        }
        return exit;
    }
}
