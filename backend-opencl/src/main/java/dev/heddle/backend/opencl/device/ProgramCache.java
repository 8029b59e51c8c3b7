package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * What is worth keeping between processes, by key: program binaries and the results of tuning. Some drivers end the
 * process on a truncated binary and run an altered one, so a file ends with a digest of its key and content, and
 * nothing else is handed out. Files appear by one rename; a process that is killed leaves at most a draft, which is
 * never read and goes when it is old. Beyond a total size the least recently used files go.
 *
 * @since 0.1
 */
@Evolving
public final class ProgramCache {
    private static final System.Logger LOGGER = System.getLogger("dev.heddle.opencl");
    private static final String SUFFIX = ".clb";
    private static final String DRAFT = ".draft";
    private static final int DIGEST_BYTES = 32;
    private static final long MOST_BYTES = 256L << 20;
    private static final long DRAFT_SECONDS = 3600;

    private final Path folder;
    private final long mostBytes;

    /** Opens a folder, which is made when the first file is kept. */
    public ProgramCache(Path folder) {
        this(folder, MOST_BYTES);
    }

    ProgramCache(Path folder, long mostBytes) {
        this.folder = folder;
        this.mostBytes = mostBytes;
    }

    /** Returns the content of a key if it is there, whole and unaltered. */
    public Optional<byte[]> find(String key) {
        Path file = file(key);
        try {
            byte[] all = Files.readAllBytes(file);
            int length = all.length - DIGEST_BYTES;
            if (length <= 0 || !MessageDigest.isEqual(digest(key, all, length),
                    Arrays.copyOfRange(all, length, all.length))) {
                LOGGER.log(System.Logger.Level.WARNING, "{0} is damaged, making it again", file);
                return Optional.empty();
            }
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
            return Optional.of(Arrays.copyOf(all, length));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            LOGGER.log(System.Logger.Level.WARNING, "cannot read " + file + ", making it again", e);
            return Optional.empty();
        }
    }

    /** Keeps content; a folder that cannot be written costs time in each process, not results. */
    public void put(String key, byte[] content) {
        Path draft = null;
        try {
            Files.createDirectories(folder);
            draft = Files.createTempFile(folder, key, DRAFT);
            try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
                write(channel, content);
                write(channel, digest(key, content, content.length));
                channel.force(true);
            }
            Files.move(draft, file(key), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            tidy(file(key));
        } catch (IOException e) {
            LOGGER.log(System.Logger.Level.WARNING, "cannot keep a compiled program in " + folder
                    + "; every process will compile it again", e);
            if (draft != null) {
                draft.toFile().delete();
            }
        }
    }

    private static void write(FileChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private record Kept(Path path, long bytes, FileTime used) {}

    private void tidy(Path newest) throws IOException {
        long old = Instant.now().getEpochSecond() - DRAFT_SECONDS;
        long total = 0;
        for (Kept draft : list(DRAFT)) {
            if (draft.used.toInstant().getEpochSecond() < old) {
                Files.deleteIfExists(draft.path); // of a process that was killed
            }
        }
        List<Kept> files = list(SUFFIX);
        for (Kept file : files) {
            total += file.bytes;
        }
        for (Kept file : files) {
            if (total <= mostBytes) {
                return;
            }
            if (!file.path.equals(newest)) {
                Files.deleteIfExists(file.path);
                total -= file.bytes;
            }
        }
    }

    /** Returns files by use, the longest unused first. */
    private List<Kept> list(String suffix) throws IOException {
        try (var paths = Files.list(folder)) {
            return paths.filter(path -> path.toString().endsWith(suffix)).map(ProgramCache::kept)
                    .sorted(Comparator.comparing(Kept::used)).toList();
        }
    }

    private static Kept kept(Path path) {
        // Another process may have removed it: then it has no size and was never used.
        return new Kept(path, path.toFile().length(), FileTime.fromMillis(path.toFile().lastModified()));
    }

    private Path file(String key) {
        return folder.resolve(key + SUFFIX);
    }

    private static byte[] digest(String key, byte[] content, int length) {
        MessageDigest digest = sha256();
        digest.update(key.getBytes(StandardCharsets.UTF_8));
        digest.update(content, 0, length);
        return digest.digest();
    }

    /** Returns a key for everything that content depends on. */
    public static String key(String... parts) {
        MessageDigest digest = sha256();
        for (String part : parts) {
            digest.update(part.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
        }
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
