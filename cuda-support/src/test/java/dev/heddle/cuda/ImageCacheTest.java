package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageCacheTest {
    private static final String KEY = "00ff";
    private static final int DIGEST_BYTES = 32;

    @TempDir
    Path root;

    private static byte[] image(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private ImageCache cache(long mostBytes) {
        return new ImageCache(root.resolve("cuda"), mostBytes);
    }

    private Path file(String key) {
        return root.resolve("cuda").resolve(key + ".cubin");
    }

    private static void found(byte[] expected, Optional<byte[]> actual) {
        assertArrayEquals(expected, actual.orElseThrow(() -> new AssertionError("not in the cache")));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 32, 33, 100_000})
    void imageComesBackAsItWas(int length) {
        ImageCache cache = cache(ImageCache.MOST_BYTES);
        assertTrue(cache.find(KEY).isEmpty());
        cache.put(KEY, image(1, length));
        found(image(1, length), cache.find(KEY));
        found(image(1, length), cache(ImageCache.MOST_BYTES).find(KEY)); // as another process sees it
        assertTrue(cache.find("other").isEmpty());
    }

    @Test
    void laterImageTakesThePlaceOfAnEarlierOne() throws IOException {
        ImageCache cache = cache(ImageCache.MOST_BYTES);
        cache.put(KEY, image(1, 500));
        cache.put(KEY, image(2, 50));
        found(image(2, 50), cache.find(KEY));
        assertEquals(List.of(KEY + ".cubin"), names(), "nothing half-written is left");
    }

    @Test
    void whateverByteIsAlteredTheImageIsNotLoadedAndTheNextPutHeals() throws IOException {
        ImageCache cache = cache(ImageCache.MOST_BYTES);
        cache.put(KEY, image(1, 40));
        byte[] whole = Files.readAllBytes(file(KEY));
        for (int i = 0; i < whole.length; i++) {
            byte[] damaged = whole.clone();
            damaged[i] ^= 1;
            Files.write(file(KEY), damaged);
            assertTrue(cache.find(KEY).isEmpty(), "byte " + i);
        }
        cache.put(KEY, image(1, 40));
        found(image(1, 40), cache.find(KEY));
    }

    @Test
    void whereverItIsCutShortOrLengthenedTheImageIsNotLoaded() throws IOException {
        ImageCache cache = cache(ImageCache.MOST_BYTES);
        cache.put(KEY, image(1, 40));
        byte[] whole = Files.readAllBytes(file(KEY));
        for (int length = 0; length <= whole.length + 2; length++) {
            Files.write(file(KEY), Arrays.copyOf(whole, length));
            assertEquals(length == whole.length, cache.find(KEY).isPresent(), "length " + length);
        }
    }

    @Test
    void leastRecentlyUsedGoesWhenTheFolderGrowsTooLarge() throws IOException {
        int length = 1000 - DIGEST_BYTES;
        ImageCache cache = cache(3000);
        for (int i = 0; i < 3; i++) {
            cache.put("k" + i, image(i, length));
            used("k" + i, i);
        }
        assertEquals(List.of("k0.cubin", "k1.cubin", "k2.cubin"), names(), "three fit exactly");
        cache.find("k0"); // so k1 is now the one not used for longest
        cache.put("k3", image(3, length));
        assertEquals(List.of("k0.cubin", "k2.cubin", "k3.cubin"), names());
        found(image(0, length), cache.find("k0"));
    }

    @Test
    void damagedImageDoesNotCountAsUsed() throws IOException {
        ImageCache cache = cache(2000);
        for (int i = 0; i < 2; i++) {
            cache.put("k" + i, image(i, 1000 - DIGEST_BYTES));
        }
        Files.write(file("k0"), new byte[1000]);
        used("k0", 0);
        used("k1", 1);
        assertTrue(cache.find("k0").isEmpty());
        cache.put("k2", image(2, 1000 - DIGEST_BYTES));
        assertEquals(List.of("k1.cubin", "k2.cubin"), names());
    }

    @Test
    void imageJustMadeStaysThoughItAloneIsLargerThanTheBound() throws IOException {
        ImageCache cache = cache(100);
        cache.put("small", image(1, 10));
        cache.put("large", image(2, 5000));
        assertEquals(List.of("large.cubin"), names());
        found(image(2, 5000), cache.find("large"));
    }

    @Test
    void otherFilesAreNeitherCountedNorRemoved() throws IOException {
        Files.createDirectories(root.resolve("cuda"));
        Files.write(root.resolve("cuda/README"), new byte[10_000]);
        ImageCache cache = cache(100);
        cache.put(KEY, image(1, 10));
        assertEquals(List.of(KEY + ".cubin", "README"), names());
    }

    @Test
    void folderThatCannotBeMadeCostsNoResult() throws IOException {
        Path file = Files.writeString(root.resolve("file"), "not a folder");
        for (Path folder : List.of(file, file.resolve("below"))) {
            ImageCache cache = new ImageCache(folder, ImageCache.MOST_BYTES);
            cache.put(KEY, image(1, 10));
            assertTrue(cache.find(KEY).isEmpty());
        }
        assertEquals("not a folder", Files.readString(file));
    }

    @Test
    void placeThatCannotBeReplacedCostsNoResultAndLeavesNothingBehind() throws IOException {
        Files.createDirectories(file(KEY).resolve("a folder in the image's place"));
        ImageCache cache = cache(ImageCache.MOST_BYTES);
        cache.put(KEY, image(1, 10));
        assertTrue(cache.find(KEY).isEmpty());
        assertEquals(List.of(KEY + ".cubin"), names());
    }

    @Test
    void threadsThatWriteAndReadOneKeySeeWholeImagesOnly() throws Exception {
        List<Future<Integer>> results = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (int thread = 0; thread < 4; thread++) {
                int seed = thread;
                results.add(threads.submit(() -> work(cache(ImageCache.MOST_BYTES), seed, 15)));
            }
            for (Future<Integer> result : results) {
                assertEquals(15, result.get());
            }
        }
        assertEquals(List.of(KEY + ".cubin"), names());
    }

    @Test
    void processesThatWriteAndReadOneKeySeeWholeImagesOnly() throws Exception {
        List<ChildVm> vms = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                vms.add(ChildVm.start(Writer.class, Map.of(), List.of(), root.resolve("cuda").toString(),
                        "" + i));
            }
            for (ChildVm vm : vms) {
                assertEquals("found 15", vm.output());
            }
        } finally {
            for (ChildVm vm : vms) {
                vm.close();
            }
        }
        assertTrue(cache(ImageCache.MOST_BYTES).find(KEY).isPresent());
        assertEquals(List.of(KEY + ".cubin"), names());
    }

    /** Writes and reads the key that all others write and read too. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] arguments) {
            System.out.println("found "
                    + work(new ImageCache(Path.of(arguments[0]), ImageCache.MOST_BYTES),
                            Integer.parseInt(arguments[1]), 15));
        }
    }

    private static int work(ImageCache cache, int seed, int times) {
        int found = 0;
        for (int i = 0; i < times; i++) {
            cache.put(KEY, image(seed, 20_000 + 1000 * seed)); // every writer's own length
            byte[] read = cache.find(KEY).orElse(new byte[0]);
            int writer = (read.length - 20_000) / 1000;
            found += writer >= 0 && Arrays.equals(image(writer, read.length), read) ? 1 : 0;
        }
        return found;
    }

    private void used(String key, int second) throws IOException {
        Files.setLastModifiedTime(file(key), FileTime.fromMillis(1_000_000_000_000L + 1000L * second));
    }

    private List<String> names() throws IOException {
        try (var files = Files.list(root.resolve("cuda"))) {
            List<String> names = files.map(path -> path.getFileName().toString()).sorted().toList();
            assertFalse(names.isEmpty());
            return names;
        }
    }
}
