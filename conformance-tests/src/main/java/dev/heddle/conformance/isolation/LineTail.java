package dev.heddle.conformance.isolation;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads whole lines of a file that another process appends to. */
final class LineTail implements AutoCloseable {
    private final RandomAccessFile file;

    LineTail(Path path) throws IOException {
        file = new RandomAccessFile(path.toFile(), "r");
    }

    /** Returns the lines that were completed since the last call. */
    List<String> next() throws IOException {
        long from = file.getFilePointer();
        byte[] bytes = new byte[Math.toIntExact(file.length() - from)];
        file.readFully(bytes);
        List<String> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                lines.add(new String(bytes, start, i - start, StandardCharsets.UTF_8));
                start = i + 1;
            }
        }
        file.seek(from + start);
        return lines;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
