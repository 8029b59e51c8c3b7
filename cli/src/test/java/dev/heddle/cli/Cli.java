package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;

/**
 * What a command line answered.
 *
 * @param code the exit code
 */
public record Cli(int code, String out, String err) {
    /** Runs a command in this VM. */
    public static Cli run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.execute(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
        return new Cli(code, out.toString(), err.toString());
    }

    /** Asserts the exit code; a failure shows all that was printed. */
    public Cli exits(int expected) {
        assertEquals(expected, code, this::toString);
        return this;
    }

    /** Returns stdout, which must be one JSON object by the letter and nothing else. */
    public JsonObject json() {
        try (JsonReader reader = new JsonReader(new StringReader(out))) {
            reader.setStrictness(Strictness.STRICT);
            JsonObject document = JsonParser.parseReader(reader).getAsJsonObject();
            assertEquals(JsonToken.END_DOCUMENT, reader.peek(), this::toString);
            return document;
        } catch (IOException e) {
            throw new UncheckedIOException(out, e);
        }
    }

    /** Asserts an error that is one line on stderr with these words, and nothing on stdout. */
    public Cli says(String... words) {
        assertEquals("", out);
        assertEquals(1, err.lines().count(), () -> "one line is wanted: " + err);
        assertTrue(err.startsWith("heddle: "), err);
        assertFalse(err.contains("Exception"), err);
        assertFalse(err.contains("dev.heddle."), err);
        for (String word : words) {
            assertTrue(err.contains(word), () -> "'" + word + "' is missing in: " + err);
        }
        return this;
    }

    /** Asserts an error document with these words in its message, and nothing else printed. */
    public Cli saysJson(String errorCode, String... words) {
        assertEquals("", err);
        JsonObject error = json().getAsJsonObject("error");
        assertEquals(errorCode, error.get("code").getAsString());
        for (String word : words) {
            String message = error.get("message").getAsString();
            assertTrue(message.contains(word), () -> "'" + word + "' is missing in: " + message);
        }
        return this;
    }
}
