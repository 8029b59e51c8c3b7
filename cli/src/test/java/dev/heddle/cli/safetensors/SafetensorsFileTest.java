package dev.heddle.cli.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {
    private static final byte[] FIRST = {1, 2, 3, 4, 5, 6};
    private static final byte[] SECOND = {-1, -2, -3, -4};

    @TempDir
    Path directory;

    private Path write() throws IOException {
        Path file = directory.resolve("good.safetensors");
        SafetensorsWriter.write(file,
                List.of(tensor("first", StoredType.BF16, FIRST, 3, 1),
                        tensor("second", StoredType.I32, SECOND, 1),
                        tensor("empty", StoredType.F32, new byte[0], 0, 5)),
                Map.of("name", "gr\u00fc\u00df \"dich\"", "seed", "42"));
        return file;
    }

    private static StoredTensor tensor(String name, StoredType type, byte[] data, Long... shape) {
        return new StoredTensor(name, type, List.of(shape), MemorySegment.ofArray(data));
    }

    private static StoredTensor tensor(String name, StoredType type, byte[] data, int... shape) {
        return tensor(name, type, data, Arrays.stream(shape).mapToObj(Long::valueOf).toArray(Long[]::new));
    }

    @Test
    void whatWasWrittenIsRead() throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(write())) {
            StoredTensor first = file.tensor("first");
            assertEquals(StoredType.BF16, first.type());
            assertEquals(List.of(3L, 1L), first.shape());
            assertArrayEquals(FIRST, first.data().toArray(ValueLayout.JAVA_BYTE));
            assertArrayEquals(SECOND, file.tensor("second").data().toArray(ValueLayout.JAVA_BYTE));
            assertEquals(0, file.tensor("empty").data().byteSize());
            assertEquals("gr\u00fc\u00df \"dich\"", file.metadata("name", ""));
            assertEquals("none", file.metadata("absent", "none"));
            assertTrue(file.has("second"));
            assertFalse(file.has("third"));
        }
    }

    @Test
    void aMissingTensorIsNamedBesideThoseThatAreThere() throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(write())) {
            String message =
                    assertThrows(MalformedFileException.class, () -> file.tensor("third")).getMessage();
            assertTrue(message.contains("'third' is missing") && message.contains("[first, second, empty]"),
                    message);
        }
    }

    @Test
    void everyTruncationIsFoundAndSaidInOneLine() throws IOException {
        byte[] whole = Files.readAllBytes(write());
        Path cut = directory.resolve("cut.safetensors");
        for (int length = 0; length < whole.length; length++) {
            Files.write(cut, Arrays.copyOf(whole, length));
            String message = assertThrows(MalformedFileException.class, () -> SafetensorsFile.open(cut),
                    "cut to " + length + " of " + whole.length + " bytes").getMessage();
            assertTrue(message.startsWith(cut + ": "), message);
            assertTrue(message.length() > cut.toString().length() + 20, message);
            assertEquals(1, message.lines().count(), message);
        }
    }

    @Test
    void bytesAfterTheLastTensorAreFound() throws IOException {
        byte[] whole = Files.readAllBytes(write());
        Path longer = directory.resolve("longer.safetensors");
        Files.write(longer, Arrays.copyOf(whole, whole.length + 3));
        String message =
                assertThrows(MalformedFileException.class, () -> SafetensorsFile.open(longer)).getMessage();
        assertTrue(message.contains("3 bytes after"), message);
    }

    @Test
    void aFileThatIsNotThereIsNotMalformed() {
        Path absent = directory.resolve("absent.safetensors");
        assertThrows(NoSuchFileException.class, () -> SafetensorsFile.open(absent));
    }

    @Test
    void aFailedWriteLeavesNothingBehind() throws IOException {
        Path target = directory.resolve("taken");
        Files.createDirectories(target.resolve("inside")); // a folder that is not empty cannot be replaced
        assertThrows(IOException.class, () -> SafetensorsWriter.write(target,
                List.of(tensor("first", StoredType.BF16, FIRST, 3, 1)), Map.of()));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(target), left.toList());
        }
    }

    @Test
    void anExistingFileIsReplacedWhole() throws IOException {
        Path file = write();
        SafetensorsWriter.write(file, List.of(tensor("only", StoredType.I8, new byte[]{9}, 1)), Map.of());
        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertFalse(read.has("first"));
            assertEquals(9, read.tensor("only").data().get(ValueLayout.JAVA_BYTE, 0));
        }
    }
}
