package dev.heddle.cli.bench;

import dev.heddle.cli.input.BatchText;
import dev.heddle.cli.input.BenchShape;
import dev.heddle.core.attention.AttentionSpec;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Times of other implementations, measured by their own scripts. */
final class PeerFile {
    /** The first line. */
    static final String HEADER =
            "impl,num_qo_heads,num_kv_heads,head_dim,dtype,kv_dtype,page_size,batch,time_us";
    private static final int COLUMNS = 9;

    private PeerFile() {}

    /** One time. The page size is not compared: peers may keep their KV without pages. */
    record Row(String impl, int numQoHeads, int numKvHeads, int headDim, String dtype, String kvDtype,
            int pageSize,
            BatchText batch, double micros) {
        /** Returns whether this is a time of that shape. */
        boolean isOf(BenchShape shape, AttentionSpec spec) {
            BatchText wanted = BatchText.parse(shape.batch());
            return numQoHeads == spec.numQoHeads() && numKvHeads == spec.numKvHeads()
                    && headDim == spec.headDimQk() && dtype.equals(spec.qDtype().id())
                    && kvDtype.equals(spec.kDtype().id())
                    && Arrays.equals(batch.qoLens(), wanted.qoLens())
                    && Arrays.equals(batch.kvLens(), wanted.kvLens());
        }

        BenchRow row(BenchShape shape, double kvBytes, double limitMicros) {
            return new BenchRow(impl, numQoHeads, numKvHeads, headDim, dtype, kvDtype, pageSize,
                    shape.batch(),
                    shape.causal(), kvBytes, micros, Double.NaN, Double.NaN, limitMicros);
        }
    }

    /**
     * Reads a file.
     *
     * @throws IllegalArgumentException naming the line that is malformed
     * @throws IOException if the file cannot be read
     */
    static List<Row> read(Path file) throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(file + ": it is not UTF-8 text", e);
        }
        if (lines.isEmpty() || !lines.getFirst().strip().equals(HEADER)) {
            throw new IllegalArgumentException(file + ": the first line must be " + HEADER);
        }
        List<Row> rows = new ArrayList<>();
        for (int i = 1; i < lines.size(); i++) {
            if (!lines.get(i).isBlank()) {
                try {
                    rows.add(row(lines.get(i).strip().split(",", -1)));
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException(file + ", line " + (i + 1) + ": " + e.getMessage(), e);
                }
            }
        }
        return rows;
    }

    private static Row row(String[] cells) {
        if (cells.length != COLUMNS) {
            throw new IllegalArgumentException(COLUMNS + " columns are needed, got " + cells.length);
        }
        double micros = Double.parseDouble(cells[8]);
        if (!(micros > 0) || Double.isInfinite(micros)) {
            throw new IllegalArgumentException("time_us must be above 0, got '" + cells[8] + "'");
        }
        return new Row(cells[0], Integer.parseInt(cells[1]), Integer.parseInt(cells[2]),
                Integer.parseInt(cells[3]),
                cells[4], cells[5], Integer.parseInt(cells[6]), BatchText.parse(cells[7].replace('+', ',')),
                micros);
    }
}
