package dev.heddle.cli.safetensors;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A file mapped into memory and checked as a whole: header, types, shapes, offsets. */
public final class SafetensorsFile implements AutoCloseable {
    private static final ValueLayout.OfLong HEADER_LENGTH =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long MAX_HEADER = 100L << 20;

    private final Path file;
    private final Arena arena;
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private SafetensorsFile(Path file, Arena arena) {
        this.file = file;
        this.arena = arena;
    }

    /**
     * Opens a file.
     *
     * @throws MalformedFileException naming the first thing that is wrong
     * @throws IOException if it cannot be read
     */
    public static SafetensorsFile open(Path file) throws IOException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            SafetensorsFile result = new SafetensorsFile(file, arena);
            result.read(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
            return result;
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private void read(MemorySegment bytes) {
        if (bytes.byteSize() < 8) {
            throw malformed("a safetensors file has at least 8 bytes, this one has " + bytes.byteSize());
        }
        long length = bytes.get(HEADER_LENGTH, 0);
        if (length < 2 || length > Math.min(bytes.byteSize() - 8, MAX_HEADER)) {
            throw malformed("the header length must be in 2.." + Math.min(bytes.byteSize() - 8, MAX_HEADER)
                    + " (the file has " + bytes.byteSize() + " bytes), got " + length);
        }
        JsonObject header = parse(bytes.asSlice(8, length));
        MemorySegment data = bytes.asSlice(8 + length);
        for (Map.Entry<String, JsonElement> entry : header.entrySet()) {
            try {
                if (entry.getKey().equals("__metadata__")) {
                    entry.getValue().getAsJsonObject().asMap()
                            .forEach((key, value) -> metadata.put(key, value.getAsString()));
                } else {
                    tensors.put(entry.getKey(),
                            tensor(entry.getKey(), entry.getValue().getAsJsonObject(), data));
                }
            } catch (IllegalStateException | NumberFormatException | UnsupportedOperationException e) {
                throw malformed("the header's entry '" + entry.getKey() + "' is not of the right form: "
                        + e.getMessage());
            }
        }
        checkCover(header, data.byteSize());
    }

    private JsonObject parse(MemorySegment header) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(header.asByteBuffer()).toString();
            JsonReader reader = new JsonReader(new StringReader(text));
            reader.setStrictness(Strictness.STRICT);
            JsonElement parsed = JsonParser.parseReader(reader);
            if (!parsed.isJsonObject()) {
                throw malformed("the header must be a JSON object");
            }
            return parsed.getAsJsonObject();
        } catch (CharacterCodingException | JsonParseException e) {
            throw malformed("the header is not JSON: " + e.getMessage());
        }
    }

    private StoredTensor tensor(String name, JsonObject entry, MemorySegment data) {
        String where = "tensor '" + name + "'";
        if (!entry.has("dtype") || !entry.has("shape") || !entry.has("data_offsets")) {
            throw malformed(where + " must have dtype, shape and data_offsets");
        }
        StoredType type = StoredType.of(entry.get("dtype").getAsString());
        if (type == null) {
            throw malformed(where + " has dtype " + entry.get("dtype").getAsString() + "; Heddle reads "
                    + List.of(StoredType.values()));
        }
        List<Long> shape = new ArrayList<>();
        long bytes = type.byteSize();
        for (JsonElement extent : entry.getAsJsonArray("shape")) {
            long value = whole(where + ": an extent", extent);
            shape.add(value);
            try {
                bytes = Math.multiplyExact(bytes, value);
            } catch (ArithmeticException e) {
                throw malformed(where + ": the product of shape " + entry.get("shape") + " overflows");
            }
        }
        if (entry.getAsJsonArray("data_offsets").size() != 2) {
            throw malformed(where + ": data_offsets must be [begin, end], got " + entry.get("data_offsets"));
        }
        long begin = whole(where + ": data_offsets[0]", entry.getAsJsonArray("data_offsets").get(0));
        long end = whole(where + ": data_offsets[1]", entry.getAsJsonArray("data_offsets").get(1));
        if (begin > end || end > data.byteSize()) {
            throw malformed(
                    where + ": data_offsets must rise and lie in 0.." + data.byteSize() + ", got [" + begin
                            + ", " + end + "]");
        }
        if (end - begin != bytes) {
            throw malformed(where + ": " + type + " " + shape + " needs " + bytes + " bytes, data_offsets ["
                    + begin + ", "
                    + end + "] hold " + (end - begin));
        }
        return new StoredTensor(name, type, List.copyOf(shape), data.asSlice(begin, bytes));
    }

    private long whole(String where, JsonElement value) {
        long result;
        try {
            result = value.getAsBigDecimal().longValueExact();
        } catch (ArithmeticException e) {
            throw malformed(where + " must be a whole number, got " + value);
        }
        if (result < 0) {
            throw malformed(where + " must be 0 or more, got " + value);
        }
        return result;
    }

    /** The format forbids holes and overlaps: tensors, by offset, cover the data from end to end. */
    private void checkCover(JsonObject header, long dataBytes) {
        List<String> names = new ArrayList<>(tensors.keySet());
        names.sort(Comparator.comparingLong((String name) -> offset(header, name, 0))
                .thenComparingLong(name -> offset(header, name, 1)));
        long at = 0;
        String before = "the header";
        for (String name : names) {
            long begin = offset(header, name, 0);
            if (begin != at) {
                throw malformed("tensor '" + name + "' begins at " + begin
                        + (begin < at ? ", inside " : ", with a hole after ")
                        + before + ", which ends at " + at);
            }
            at = offset(header, name, 1);
            before = "tensor '" + name + "'";
        }
        if (at != dataBytes) {
            throw malformed(
                    "the file has " + (dataBytes - at) + " bytes after " + before + " that no tensor owns");
        }
    }

    private static long offset(JsonObject header, String name, int index) {
        return header.getAsJsonObject(name).getAsJsonArray("data_offsets").get(index).getAsLong();
    }

    private MalformedFileException malformed(String problem) {
        return new MalformedFileException(file, problem);
    }

    /** Returns the path that was opened. */
    public Path file() {
        return file;
    }

    /** Returns whether the file has a tensor. */
    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    /**
     * Returns a tensor.
     *
     * @throws MalformedFileException if there is none, listing those that there are
     */
    public StoredTensor tensor(String name) {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw malformed("tensor '" + name + "' is missing; the file has " + tensors.keySet());
        }
        return tensor;
    }

    /** Returns a metadata string, or a default. */
    public String metadata(String key, String otherwise) {
        return metadata.getOrDefault(key, otherwise);
    }

    /** Unmaps the file; its tensors must not be used after. */
    @Override
    public void close() {
        arena.close();
    }
}
