package dev.heddle.cli.safetensors;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a header says, read token by token: a tree would hide keys that come twice and turn text into numbers. Whether
 * it fits the data is not asked here.
 */
final class Header {
    private static final Pattern PLACE = Pattern.compile("at line \\d+ column \\d+");

    /** One tensor's entry. */
    record Entry(String dtype, List<Long> shape, long begin, long end) {}

    private final Path file;
    private final JsonReader reader;
    private final Map<String, Entry> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private Header(Path file, String text) {
        this.file = file;
        this.reader = new JsonReader(new StringReader(text));
        reader.setStrictness(Strictness.STRICT);
    }

    /** Reads a header; the exception names the first thing that is not of the right form. */
    static Header parse(Path file, ByteBuffer bytes) throws IOException {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new MalformedFileException(file, "the header is not UTF-8 text");
        }
        Header header = new Header(file, text);
        try {
            header.read();
        } catch (MalformedJsonException | EOFException e) {
            Matcher place = PLACE.matcher(String.valueOf(e.getMessage()));
            throw new MalformedFileException(file,
                    "the header is not JSON" + (place.find() ? " " + place.group() : ""));
        }
        return header;
    }

    Map<String, Entry> tensors() {
        return tensors;
    }

    Map<String, String> metadata() {
        return metadata;
    }

    private void read() throws IOException {
        begin(JsonToken.BEGIN_OBJECT, "the header");
        boolean described = false;
        while (reader.hasNext()) {
            String name = reader.nextName();
            if (name.equals("__metadata__")) {
                refuseTwice(described, "__metadata__");
                described = true;
                readMetadata();
            } else {
                refuseTwice(tensors.containsKey(name), "tensor '" + name + "'");
                tensors.put(name, entry("tensor '" + name + "'"));
            }
        }
        reader.endObject();
        reader.peek(); // strict: anything but blanks after the document is malformed JSON
    }

    private void readMetadata() throws IOException {
        begin(JsonToken.BEGIN_OBJECT, "__metadata__");
        while (reader.hasNext()) {
            String key = reader.nextName();
            refuseTwice(metadata.containsKey(key), "metadata " + key);
            metadata.put(key, text("metadata " + key));
        }
        reader.endObject();
    }

    private Entry entry(String where) throws IOException {
        begin(JsonToken.BEGIN_OBJECT, where);
        String dtype = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (reader.hasNext()) {
            String key = reader.nextName();
            switch (key) {
                case "dtype" -> {
                    refuseTwice(dtype != null, where + ": dtype");
                    dtype = text(where + ": dtype");
                }
                case "shape" -> {
                    refuseTwice(shape != null, where + ": shape");
                    shape = wholes(where + ": shape");
                }
                case "data_offsets" -> {
                    refuseTwice(offsets != null, where + ": data_offsets");
                    offsets = wholes(where + ": data_offsets");
                }
                default -> reader.skipValue(); // later versions of the format may say more
            }
        }
        reader.endObject();
        if (dtype == null || shape == null || offsets == null) {
            throw malformed(where + " must have dtype, shape and data_offsets");
        }
        if (offsets.size() != 2) {
            throw malformed(where + ": data_offsets must be [begin, end], got " + offsets);
        }
        return new Entry(dtype, List.copyOf(shape), offsets.get(0), offsets.get(1));
    }

    private List<Long> wholes(String where) throws IOException {
        begin(JsonToken.BEGIN_ARRAY, where);
        List<Long> values = new ArrayList<>();
        while (reader.hasNext()) {
            JsonToken token = reader.peek();
            String got = token == JsonToken.NUMBER ? reader.nextString() : "a " + word(token);
            Long value = whole(got);
            if (value == null) {
                throw malformed(where + "[" + values.size() + "] must be a whole number in 0.."
                        + Long.MAX_VALUE + ", got " + got);
            }
            values.add(value);
        }
        reader.endArray();
        return values;
    }

    private static @Nullable Long whole(String text) {
        try {
            long value = Long.parseLong(text);
            return value < 0 ? null : value;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private String text(String where) throws IOException {
        if (reader.peek() != JsonToken.STRING) {
            throw malformed(where + " must be a string, got " + word(reader.peek()));
        }
        return reader.nextString();
    }

    private void begin(JsonToken expected, String where) throws IOException {
        JsonToken token = reader.peek();
        if (token != expected) {
            throw malformed(where + " must be a JSON " + word(expected) + ", got " + word(token));
        }
        if (expected == JsonToken.BEGIN_OBJECT) {
            reader.beginObject();
        } else {
            reader.beginArray();
        }
    }

    private static String word(JsonToken token) {
        return switch (token) {
            case BEGIN_OBJECT -> "object";
            case BEGIN_ARRAY -> "array";
            case STRING -> "string";
            case NUMBER -> "number";
            case BOOLEAN -> "boolean";
            case NULL -> "null";
            case NAME, END_OBJECT, END_ARRAY, END_DOCUMENT -> "nothing";
        };
    }

    private void refuseTwice(boolean known, String what) {
        if (known) {
            throw malformed(what + " is there twice");
        }
    }

    private MalformedFileException malformed(String problem) {
        return new MalformedFileException(file, problem);
    }
}
