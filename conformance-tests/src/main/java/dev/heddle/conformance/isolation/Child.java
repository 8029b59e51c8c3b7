package dev.heddle.conformance.isolation;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One child VM, from start to end. */
final class Child {
    private static final int POLL_MILLIS = 20;
    private static final int LAST_LINES = 6;

    private final List<String> command;
    private final Path events;
    private final Path words;
    private final Duration silence;

    Child(List<String> command, Path events, Path words, Duration silence) {
        this.command = command;
        this.events = events;
        this.words = words;
        this.silence = silence;
    }

    /**
     * Runs the child to its end.
     *
     * @param listener told of each event as it comes
     * @return how it ended, in words; empty if it did all its work
     */
    String run(Consumer<JsonObject> listener) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(words.toFile())
                .start();
        try (LineTail tail = new LineTail(events)) {
            long heard = System.nanoTime();
            while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                if (tell(tail, listener)) {
                    heard = System.nanoTime();
                } else if (System.nanoTime() - heard > silence.toNanos()) {
                    process.destroyForcibly().waitFor();
                    tell(tail, listener);
                    return "timed out: no result within " + silence.toMillis() / 1000.0
                            + " s; the child VM was ended";
                }
            }
            tell(tail, listener);
        } finally {
            process.destroyForcibly();
        }
        int code = process.exitValue();
        return code == 0 ? "" : "the child VM ended with exit code " + code + signal(code) + lastWords();
    }

    private static boolean tell(LineTail tail, Consumer<JsonObject> listener) throws IOException {
        List<String> lines = tail.next();
        lines.forEach(line -> listener.accept(JsonParser.parseString(line).getAsJsonObject()));
        return !lines.isEmpty();
    }

    private static String signal(int code) {
        return code > 128 ? " (signal " + (code - 128) + ")" : "";
    }

    private String lastWords() throws IOException {
        List<String> lines = new String(Files.readAllBytes(words), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.isBlank() && !line.equals("#")
                        && !line.startsWith("WARNING: Using incubator modules"))
                .toList();
        return lines.isEmpty()
                ? ""
                : "; its last words:\n" + String.join("\n",
                        lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
    }
}
