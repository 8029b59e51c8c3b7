package dev.heddle.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes what a benchmark measured. */
final class BenchFiles {
    private BenchFiles() {}

    /** Writes rows as CSV, making the file's directory if needed. */
    static void csv(List<BenchRow> rows, Path file) throws IOException {
        StringBuilder text = new StringBuilder(BenchRow.CSV_HEADER).append('\n');
        rows.forEach(row -> text.append(row.csv()).append('\n'));
        write(text.toString(), file);
    }

    static void write(String text, Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        Files.writeString(file, text);
    }
}
