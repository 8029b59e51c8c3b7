package dev.heddle.cli.safetensors;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/** Writes a file whole or not at all. */
public final class SafetensorsWriter {
    private SafetensorsWriter() {}

    /**
     * Writes tensors and metadata; an existing file is replaced at the end, in one step.
     *
     * @throws IOException if it cannot be written; nothing is left behind
     */
    public static void write(Path file, List<StoredTensor> tensors, Map<String, String> metadata)
            throws IOException {
        JsonObject header = new JsonObject();
        JsonObject words = new JsonObject();
        metadata.forEach(words::addProperty);
        header.add("__metadata__", words);
        long at = 0;
        for (StoredTensor tensor : tensors) {
            JsonObject entry = new JsonObject();
            entry.addProperty("dtype", tensor.type().name());
            JsonArray shape = new JsonArray();
            tensor.shape().forEach(shape::add);
            entry.add("shape", shape);
            JsonArray offsets = new JsonArray();
            offsets.add(at);
            at += tensor.data().byteSize();
            offsets.add(at);
            entry.add("data_offsets", offsets);
            header.add(tensor.name(), entry);
        }
        String text = header.toString();
        byte[] bytes = (text + " ".repeat((8 - text.getBytes(StandardCharsets.UTF_8).length % 8) % 8))
                .getBytes(StandardCharsets.UTF_8);
        Path directory = file.toAbsolutePath().getParent();
        Files.createDirectories(directory);
        Path draft = Files.createTempFile(directory, file.getFileName().toString(), ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
                put(channel,
                        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes.length).flip());
                put(channel, ByteBuffer.wrap(bytes));
                for (StoredTensor tensor : tensors) {
                    put(channel, tensor.data().asByteBuffer());
                }
            }
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private static void put(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
