package dev.heddle.cuda;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Compiled images on disk, by key. A file holds a checksum before the image, so what was cut short or altered is not
 * loaded; it appears under its name by one rename, so processes may share the folder. Beyond a total size the least
 * recently used files go. A folder that cannot be written costs time, not results.
 */
final class ImageCache {
    static final long MOST_BYTES = 256L << 20;

    private static final System.Logger LOGGER = System.getLogger("dev.heddle.cuda");
    private static final int DIGEST_BYTES = 32;

    private final Path folder;
    private final long mostBytes;

    ImageCache(Path folder, long mostBytes) {
        this.folder = folder;
        this.mostBytes = mostBytes;
    }

    /** Returns the image of a key if a whole one is there. */
    Optional<byte[]> find(String key) {
        Path file = file(key);
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            LOGGER.log(System.Logger.Level.WARNING, "cannot read " + file + ", compiling instead", e);
            return Optional.empty();
        }
        byte[] image = bytes.length < DIGEST_BYTES ? new byte[0]
                : Arrays.copyOfRange(bytes, DIGEST_BYTES, bytes.length);
        if (image.length == 0 || !Arrays.equals(digest(image), 0, DIGEST_BYTES, bytes, 0, DIGEST_BYTES)) {
            LOGGER.log(System.Logger.Level.WARNING, "{0} is damaged, compiling again", file);
            return Optional.empty();
        }
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        } catch (IOException e) {
            LOGGER.log(System.Logger.Level.DEBUG, "cannot mark " + file + " as used", e);
        }
        return Optional.of(image);
    }

    /** Keeps an image. */
    void put(String key, byte[] image) {
        Path made = null;
        try {
            Files.createDirectories(folder);
            made = Files.createTempFile(folder, "new", ".tmp");
            try (FileChannel channel = FileChannel.open(made, StandardOpenOption.WRITE)) {
                ByteBuffer content = ByteBuffer.allocate(DIGEST_BYTES + image.length);
                content.put(digest(image)).put(image).flip();
                while (content.hasRemaining()) {
                    channel.write(content);
                }
                channel.force(true);
            }
            Files.move(made, file(key), StandardCopyOption.ATOMIC_MOVE);
            bound(file(key));
        } catch (IOException | DirectoryIteratorException e) {
            LOGGER.log(System.Logger.Level.WARNING, "cannot keep a compiled kernel in " + folder
                    + "; every process will compile it again", e);
            if (made != null) {
                made.toFile().delete();
            }
        }
    }

    /** Removes the least recently used files until the rest is small enough. */
    private void bound(Path newest) throws IOException {
        record Entry(Path path, long bytes, FileTime used) {}
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.cubin")) {
            for (Path path : files) {
                try {
                    entries.add(new Entry(path, Files.size(path), Files.getLastModifiedTime(path)));
                } catch (NoSuchFileException e) {
                    continue; // another process has just removed it
                }
            }
        }
        long total = entries.stream().mapToLong(Entry::bytes).sum();
        entries.sort(Comparator.comparing(Entry::used));
        for (Entry entry : entries) {
            if (total <= mostBytes) {
                break;
            }
            if (!entry.path().equals(newest)) {
                Files.deleteIfExists(entry.path());
                total -= entry.bytes();
            }
        }
    }

    private Path file(String key) {
        return folder.resolve(key + ".cubin");
    }

    static byte[] digest(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
