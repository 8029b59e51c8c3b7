package dev.heddle.cli.peer;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonSyntaxException;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;

/** A running peer. A VM that ends or does not answer has failed at its row; the next row may start another. */
public final class PeerVm implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String END = ""; // no answer is empty

    private final Process process;
    private final Path words;
    private final Writer commands;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();

    /**
     * Starts a peer.
     *
     * @throws IOException if no VM can be started
     */
    public PeerVm(PeerProgram program) throws IOException {
        this.words = Files.createTempFile("heddle-peer", ".log");
        this.process = new ProcessBuilder(command(program)).redirectError(words.toFile()).start();
        this.commands = process.outputWriter(StandardCharsets.UTF_8);
        Thread.ofVirtual().name("answers of " + program.id()).start(this::listen);
    }

    private static List<String> command(PeerProgram program) throws IOException {
        List<String> path = new ArrayList<>(List.of(here()));
        path.addAll(program.classPath());
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules",
                "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow", "-XX:MaxRAMPercentage=40", "-cp",
                String.join(File.pathSeparator, path), PeerMain.class.getName(), program.type());
    }

    /** Where this class was loaded from: the command's jar. */
    private static String here() throws IOException {
        try {
            return Path.of(PeerVm.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                    .toString();
        } catch (URISyntaxException e) {
            throw new IOException("the command's jar has no path", e);
        }
    }

    private void listen() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                answers.add(line);
            }
        } catch (IOException e) {
            // the VM is gone; END tells that
        }
        answers.add(END);
    }

    /** What became of a row. */
    public sealed interface Answer {
        /** It ran once and its output is written. */
        record Ready() implements Answer {}

        /** The peer does not do such rows. */
        record Refused(String message) implements Answer {}
    }

    /**
     * Makes a row ready and writes its output.
     *
     * @throws PeerException if the peer fails, ends or hangs
     */
    public Answer prepare(PeerRow row) throws PeerException {
        JsonObject answer = ask("prepare\t" + row.line());
        return answer.get("status").getAsString().equals("refused")
                ? new Answer.Refused(answer.get("message").getAsString())
                : new Answer.Ready();
    }

    /**
     * Times the prepared row and returns the microseconds of each counted run.
     *
     * @throws PeerException if the peer fails, ends or hangs
     */
    public double[] time() throws PeerException {
        JsonElement list = ask("time").get("micros");
        return StreamSupport.stream(list.getAsJsonArray().spliterator(), false)
                .mapToDouble(JsonElement::getAsDouble).toArray();
    }

    /**
     * Frees the prepared row.
     *
     * @throws PeerException if the peer fails, ends or hangs
     */
    public void release() throws PeerException {
        ask("release");
    }

    private JsonObject ask(String command) throws PeerException {
        String line;
        try {
            commands.write(command + "\n");
            commands.flush();
            line = answers.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (IOException e) {
            throw new PeerException("its VM ended" + lastWords(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PeerException("interrupted", e);
        }
        if (line == null) {
            throw new PeerException("no answer in " + PATIENCE.toSeconds() + " s", null);
        }
        if (line.equals(END)) {
            throw new PeerException("its VM ended" + lastWords(), null);
        }
        try {
            JsonObject answer = new Gson().fromJson(line, JsonObject.class);
            if (answer.get("status").getAsString().equals("failed")) {
                throw new PeerException(answer.get("message").getAsString(), null);
            }
            return answer;
        } catch (JsonSyntaxException e) {
            throw new PeerException("it answered '" + line + "'", e);
        }
    }

    /** Returns the last line but stack frames that the VM wrote to stderr, which is where one that cannot start says why. */
    private String lastWords() {
        try {
            process.waitFor(1, TimeUnit.SECONDS);
            return Files.readAllLines(words, StandardCharsets.ISO_8859_1).stream()
                    .filter(line -> !line.isBlank() && !Character.isWhitespace(line.charAt(0))) // no stack frames
                    .reduce((earlier, later) -> later).map(line -> ": " + line).orElse("");
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /** Returns whether the VM still runs. */
    public boolean alive() {
        return process.isAlive();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
            Files.deleteIfExists(words);
        } catch (IOException e) {
            words.toFile().deleteOnExit();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
