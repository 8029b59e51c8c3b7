package dev.heddle.cli.peer;

import dev.heddle.cli.peer.Peer.Prepared;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A peer's VM. It reads commands as lines and answers each with a line of JSON.
 *
 * <ul>
 * <li>{@code prepare <tab> row}: {@code {"status": "ready"}} once the row ran and its output is written, or
 * {@code "refused"} or {@code "failed"} with a {@code "message"}
 * <li>{@code time}: {@code {"status": "timed", "micros": [...]}}
 * <li>{@code release}: {@code {"status": "released"}}
 * </ul>
 *
 * <p>Preparing and timing are two commands so that the caller can measure the machine's limits right before and after
 * the runs.
 */
public final class PeerMain {
    private final Peer peer;
    private @Nullable PeerRow row;
    private @Nullable Prepared prepared;

    PeerMain(Peer peer) {
        this.peer = peer;
    }

    /** Serves the peer whose class the first argument names, until stdin ends. */
    public static void main(String[] arguments) throws IOException, ReflectiveOperationException {
        PrintStream answers =
                new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        System.setOut(System.err); // what libraries print must not stand between answers
        Peer peer = (Peer) Class.forName(arguments[0]).getConstructor().newInstance();
        PeerMain main = new PeerMain(peer);
        BufferedReader commands =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            answers.println(main.answer(line));
            answers.flush();
        }
        System.exit(0); // a peer's threads need not be daemons
    }

    /** Returns the answer to a command. */
    String answer(String line) {
        try {
            int tab = line.indexOf('\t');
            return switch (tab < 0 ? line : line.substring(0, tab)) {
                case "prepare" -> prepare(PeerRow.parse(line.substring(tab + 1)));
                case "time" -> time();
                case "release" -> release();
                default -> status("failed", "the commands are prepare, time and release, got '" + line + "'");
            };
        } catch (PeerException e) {
            return status("failed", e.getMessage());
        } catch (RuntimeException | LinkageError | OutOfMemoryError | IOException e) {
            return status("failed", e.toString());
        }
    }

    private String prepare(PeerRow wanted) throws IOException, PeerException {
        release();
        Optional<String> refusal = peer.refuses(wanted);
        if (refusal.isPresent()) {
            return status("refused", refusal.get());
        }
        try (PeerInput input = PeerInput.map(wanted)) {
            prepared = peer.prepare(wanted, input);
        }
        row = wanted;
        prepared.run(0);
        float[] values = prepared.output();
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.nativeOrder());
        bytes.asFloatBuffer().put(values);
        Files.write(wanted.output(), bytes.array());
        return status("ready", null);
    }

    private String time() throws PeerException {
        if (prepared == null || row == null) {
            return status("failed", "no row is prepared");
        }
        StringBuilder list = new StringBuilder();
        for (double micros : Timing.micros(row.copies(), row.warmUpMillis(), row.timeMillis(),
                prepared::run)) {
            list.append(list.isEmpty() ? "" : ",").append(micros);
        }
        return "{\"status\":\"timed\",\"micros\":[" + list + "]}";
    }

    private String release() throws PeerException {
        Peer.Prepared last = prepared;
        prepared = null;
        row = null;
        if (last != null) {
            last.close();
        }
        return status("released", null);
    }

    private static String status(String status, @Nullable String message) {
        return "{\"status\":\"" + status + "\"" + (message == null ? "" : ",\"message\":" + quoted(message))
                + "}";
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else {
                json.append(c < ' ' ? ' ' : c);
            }
        }
        return json.append('"').toString();
    }
}
