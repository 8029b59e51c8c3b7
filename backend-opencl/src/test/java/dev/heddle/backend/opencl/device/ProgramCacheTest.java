package dev.heddle.backend.opencl.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgramCacheTest {
    private static final byte[] BINARY = "not really a program".getBytes();

    private static Path only(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            List<Path> all = files.toList();
            assertEquals(1, all.size(), all::toString);
            return all.getFirst();
        }
    }

    @Test
    void whatWasKeptIsFound(@TempDir Path folder) {
        ProgramCache cache = new ProgramCache(folder.resolve("made/when/needed"));
        assertEquals(Optional.empty(), cache.find("a"));
        cache.put("a", BINARY);
        assertArrayEquals(BINARY, cache.find("a").orElseThrow());
        assertEquals(Optional.empty(), cache.find("b"));
        cache.put("a", "newer".getBytes());
        assertArrayEquals("newer".getBytes(), cache.find("a").orElseThrow());
    }

    @Test
    void everyTruncatedFileIsRefused(@TempDir Path folder) throws IOException {
        ProgramCache cache = new ProgramCache(folder);
        cache.put("a", BINARY);
        Path file = only(folder);
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertEquals(Optional.empty(), cache.find("a"), "cut to " + length + " of " + whole.length);
        }
    }

    @Test
    void everyAlteredByteIsNoticed(@TempDir Path folder) throws IOException {
        ProgramCache cache = new ProgramCache(folder);
        cache.put("a", BINARY);
        Path file = only(folder);
        byte[] whole = Files.readAllBytes(file);
        for (int i = 0; i < whole.length; i++) {
            byte[] altered = whole.clone();
            altered[i] ^= 1;
            Files.write(file, altered);
            assertEquals(Optional.empty(), cache.find("a"), "byte " + i);
        }
        Files.write(file, Arrays.copyOf(whole, whole.length + 1));
        assertEquals(Optional.empty(), cache.find("a"), "longer by a byte");
    }

    @Test
    void fileUnderAnotherNameIsRefused(@TempDir Path folder) throws IOException {
        ProgramCache cache = new ProgramCache(folder);
        cache.put("a", BINARY);
        Files.copy(only(folder), folder.resolve("b.clb"), StandardCopyOption.REPLACE_EXISTING);
        assertEquals(Optional.empty(), cache.find("b"));
    }

    @Test
    void draftsAreNeverReadAndGoWhenOld(@TempDir Path folder) throws IOException {
        ProgramCache cache = new ProgramCache(folder);
        Path old = Files.write(folder.resolve("a123.draft"), BINARY);
        Path fresh = Files.write(folder.resolve("a456.draft"), BINARY);
        Files.setLastModifiedTime(old, FileTime.fromMillis(0));
        assertEquals(Optional.empty(), cache.find("a"));
        cache.put("b", BINARY);
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(fresh), "another process may be writing it");
    }

    @Test
    void leastRecentlyUsedGoBeyondTheBound(@TempDir Path folder) throws IOException {
        ProgramCache cache = new ProgramCache(folder, 2L * (BINARY.length + 32));
        cache.put("a", BINARY);
        cache.put("b", BINARY);
        Files.setLastModifiedTime(folder.resolve("a.clb"), FileTime.fromMillis(1000));
        Files.setLastModifiedTime(folder.resolve("b.clb"), FileTime.fromMillis(2000));
        assertTrue(cache.find("a").isPresent()); // used now, so b is the oldest
        cache.put("c", BINARY);
        assertTrue(cache.find("a").isPresent());
        assertEquals(Optional.empty(), cache.find("b"));
        assertTrue(cache.find("c").isPresent());
    }

    @Test
    void folderThatCannotBeWrittenCostsOnlyTime(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        ProgramCache cache = new ProgramCache(file);
        cache.put("a", BINARY);
        assertEquals(Optional.empty(), cache.find("a"));
    }

    @Test
    void keysDependOnEveryPartAndWhereItEnds() {
        assertEquals(ProgramCache.key("a", "b"), ProgramCache.key("a", "b"));
        assertNotEquals(ProgramCache.key("a", "b"), ProgramCache.key("a", "c"));
        assertNotEquals(ProgramCache.key("ab", "c"), ProgramCache.key("a", "bc"));
    }
}
