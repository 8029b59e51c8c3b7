package dev.heddle.backend.opencl.device;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * The files by which drivers name their libraries to the loader. Loaders trust them: Debian's ends the process on one
 * that begins with a zero, so they are looked at first.
 */
final class DriverFiles {
    private static final Path USUAL = Path.of("/etc/OpenCL/vendors");
    private static final int MOST_BYTES = 4096; // of a file that holds one path

    private DriverFiles() {}

    /** Returns a file that no loader should see, if there is one. */
    static Optional<Path> damaged(UnaryOperator<String> environment) {
        String named = environment.apply("OCL_ICD_VENDORS");
        Path folder = named == null || named.isBlank() ? USUAL : Path.of(named);
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".icd")).filter(DriverFiles::isDamaged)
                    .sorted()
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty(); // nor can the loader read it
        }
    }

    private static boolean isDamaged(Path file) {
        try {
            return Files.size(file) > MOST_BYTES
                    || Files.readString(file, StandardCharsets.ISO_8859_1).chars().anyMatch(c -> c == 0);
        } catch (IOException e) {
            return false;
        }
    }
}
