package dev.heddle.cli.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
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
        if (Files.isDirectory(file)) {
            throw new MalformedFileException(file, "a safetensors file is wanted, this is a folder");
        }
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

    private void read(MemorySegment bytes) throws IOException {
        if (bytes.byteSize() < 8) {
            throw malformed("a safetensors file has at least 8 bytes, this one has " + bytes.byteSize());
        }
        long length = bytes.get(HEADER_LENGTH, 0);
        if (length < 2 || length > Math.min(bytes.byteSize() - 8, MAX_HEADER)) {
            throw malformed("the header length must be in 2.." + Math.min(bytes.byteSize() - 8, MAX_HEADER)
                    + " (the file has " + bytes.byteSize() + " bytes), got " + length);
        }
        Header header = Header.parse(file, bytes.asSlice(8, length).asByteBuffer());
        MemorySegment data = bytes.asSlice(8 + length);
        metadata.putAll(header.metadata());
        header.tensors().forEach((name, entry) -> tensors.put(name, tensor(name, entry, data)));
        checkCover(header.tensors(), data.byteSize());
    }

    private StoredTensor tensor(String name, Header.Entry entry, MemorySegment data) {
        String where = "tensor '" + name + "'";
        StoredType type = StoredType.of(entry.dtype());
        if (type == null) {
            throw malformed(where + " has dtype " + entry.dtype() + "; Heddle reads "
                    + List.of(StoredType.values()));
        }
        long bytes = type.byteSize();
        for (long extent : entry.shape()) {
            try {
                bytes = Math.multiplyExact(bytes, extent);
            } catch (ArithmeticException e) {
                throw malformed(where + ": the product of shape " + entry.shape() + " overflows");
            }
        }
        long begin = entry.begin();
        long end = entry.end();
        if (begin > end || end > data.byteSize()) {
            throw malformed(
                    where + ": data_offsets must rise and lie in 0.." + data.byteSize() + ", got [" + begin
                            + ", " + end + "]");
        }
        if (end - begin != bytes) {
            throw malformed(where + ": " + type + " " + entry.shape() + " needs " + bytes
                    + " bytes, data_offsets [" + begin + ", " + end + "] hold " + (end - begin));
        }
        return new StoredTensor(name, type, entry.shape(), data.asSlice(begin, bytes));
    }

    /** The format forbids holes and overlaps: tensors, by offset, cover the data from end to end. */
    private void checkCover(Map<String, Header.Entry> entries, long dataBytes) {
        List<String> names = new ArrayList<>(entries.keySet());
        names.sort(Comparator.comparingLong((String name) -> entries.get(name).begin())
                .thenComparingLong(name -> entries.get(name).end()));
        long at = 0;
        String before = "the header";
        for (String name : names) {
            long begin = entries.get(name).begin();
            if (begin != at) {
                throw malformed("tensor '" + name + "' begins at " + begin
                        + (begin < at ? ", inside " : ", with a hole after ")
                        + before + ", which ends at " + at);
            }
            at = entries.get(name).end();
            before = "tensor '" + name + "'";
        }
        if (at != dataBytes) {
            throw malformed(
                    "the file has " + (dataBytes - at) + " bytes after " + before + " that no tensor owns");
        }
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
