package dev.heddle.cli.peer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerMainTest {
    @TempDir
    Path folder;

    private static JsonObject ask(PeerMain main, String command) {
        return new Gson().fromJson(main.answer(command), JsonObject.class);
    }

    private static String status(PeerMain main, String command) {
        return ask(main, command).get("status").getAsString();
    }

    @Test
    void thePlainLoopComputesAttention() throws IOException {
        PeerRow row = Rows.small(folder, "f32");
        PeerMain main = new PeerMain(new PlainLoopPeer());
        assertEquals("ready", status(main, "prepare\t" + row.line()));
        assertArrayEquals(Rows.expected(row), Rows.floats(row.output()), 1e-5f);
        JsonObject timed = ask(main, "time");
        assertEquals("timed", timed.get("status").getAsString());
        assertTrue(timed.getAsJsonArray("micros").size() > 0, timed::toString);
        assertEquals("released", status(main, "release"));
        assertEquals("failed", status(main, "time"));
    }

    @Test
    void whatAPeerDoesNotDoItRefuses() throws IOException {
        PeerMain main = new PeerMain(new PlainLoopPeer());
        JsonObject answer = ask(main, "prepare\t" + Rows.small(folder, "int8").line());
        assertEquals("refused", answer.get("status").getAsString());
        assertTrue(answer.get("message").getAsString().contains("f32"), answer::toString);
    }

    @Test
    void whatGoesWrongIsAnAnswer() throws IOException {
        PeerMain main = new PeerMain(new Failing());
        assertEquals("failed", status(main, "sing"));
        assertEquals("failed", status(main, "prepare\tthreads=2"));
        assertEquals("failed", status(main, "time"));
        PeerRow row = Rows.small(folder, "f32");
        JsonObject answer = ask(main, "prepare\t" + row.line());
        assertEquals("failed", answer.get("status").getAsString());
        assertEquals("no \"luck\" today", answer.get("message").getAsString());
        Files.write(row.input(), new byte[12]);
        String size = ask(main, "prepare\t" + row.line()).get("message").getAsString();
        assertTrue(size.contains("12 bytes"), size);
    }

    @Test
    void everyRunTakesTheNextCopy() {
        List<Integer> copies = new ArrayList<>();
        double[] micros = Timing.micros(3, 1, 1, copies::add);
        assertTrue(micros.length >= 5, () -> micros.length + " runs");
        assertTrue(copies.size() > micros.length, "the first runs do not count");
        for (int i = 0; i < copies.size(); i++) {
            assertEquals(i % 3, copies.get(i), "run " + i);
        }
    }

    private static final class Failing implements Peer {
        @Override
        public Optional<String> refuses(PeerRow row) {
            return Optional.empty();
        }

        @Override
        public Prepared prepare(PeerRow row, PeerInput input) throws PeerException {
            throw new PeerException("no \"luck\"\ttoday", null);
        }
    }
}
