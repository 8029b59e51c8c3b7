package dev.heddle.cli.input;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.tensor.DataType;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A row of a benchmark.
 *
 * @param heads query and KV heads, {@code 28/4}
 * @param batch as {@link BatchText} reads it; {@code +} stands for the comma, which separates columns
 * @param threads threads on the host, 0 for all of them
 */
public record BenchShape(
        String heads, int headDim, String dtype, String kvDtype, int pageSize, String batch, boolean causal,
        int threads) {
    private static final String HEADER = "heads,head_dim,dtype,kv_dtype,page_size,batch,causal";
    private static final String WITH_THREADS = HEADER + ",threads";

    /** Decode at several groups and lengths, and a prefill. */
    public static final List<BenchShape> DEFAULTS = List.of(
            new BenchShape("32/32", 128, "bf16", "bf16", 16, "1*1x4096", false),
            new BenchShape("32/8", 128, "bf16", "bf16", 16, "1*1x4096", false),
            new BenchShape("32/8", 128, "bf16", "bf16", 16, "8*1x1024", false),
            new BenchShape("28/4", 128, "bf16", "bf16", 16, "1*1x4096", false),
            new BenchShape("28/4", 128, "bf16", "bf16", 16, "1*1x32768", false),
            new BenchShape("28/4", 128, "f32", "f32", 16, "1*1x4096", false),
            new BenchShape("28/4", 128, "bf16", "int8", 16, "1*1x4096", false),
            new BenchShape("28/4", 128, "bf16", "bf16", 16, "512x512", true));

    /** A row on all threads. */
    public BenchShape(String heads, int headDim, String dtype, String kvDtype, int pageSize, String batch,
            boolean causal) {
        this(heads, headDim, dtype, kvDtype, pageSize, batch, causal, 0);
    }

    /**
     * Decode as served from a GPU: every group size at equal KV bytes, models' heads from one short sequence to
     * gigabytes, fp8 KV and f32.
     */
    public static List<BenchShape> deviceDefaults() {
        List<BenchShape> rows = new ArrayList<>();
        for (int group : new int[]{1, 2, 3, 4, 5, 6, 7, 8, 12, 16}) {
            rows.add(decode(8 * group + "/8", "bf16", "bf16", "8*1x4096"));
        }
        for (String heads : List.of("32/32", "32/8", "28/4", "40/8", "64/8")) {
            for (String batch : List.of("1*1x4096", "8*1x4096", "64*1x1024", "64*1x8192")) {
                BenchShape row = decode(heads, "bf16", "bf16", batch);
                if (!rows.contains(row)) {
                    rows.add(row);
                }
            }
        }
        for (String heads : List.of("32/8", "28/4", "64/8")) {
            for (String batch : List.of("8*1x4096", "64*1x8192")) {
                rows.add(decode(heads, "bf16", "fp8_e4m3", batch));
            }
        }
        for (String heads : List.of("32/8", "28/4")) {
            for (String batch : List.of("1*1x4096", "8*1x4096", "64*1x1024")) {
                rows.add(decode(heads, "f32", "f32", batch));
            }
        }
        return List.copyOf(rows);
    }

    private static BenchShape decode(String heads, String dtype, String kvDtype, String batch) {
        return new BenchShape(heads, 128, dtype, kvDtype, 16, batch, false);
    }

    /**
     * Reads rows from a CSV file.
     *
     * @throws IllegalArgumentException naming the line that is malformed
     * @throws IOException if the file cannot be read
     */
    public static List<BenchShape> read(Path file) throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(file + ": it is not UTF-8 text", e);
        }
        String header = lines.isEmpty() ? "" : lines.getFirst().strip();
        if (!header.equals(HEADER) && !header.equals(WITH_THREADS)) {
            throw new IllegalArgumentException(
                    file + ": the first line must be " + HEADER + ", and ,threads may follow");
        }
        int columns = header.split(",").length;
        List<BenchShape> rows = new ArrayList<>();
        for (int i = 1; i < lines.size(); i++) {
            String[] cells = lines.get(i).strip().split(",", -1);
            if (lines.get(i).isBlank()) {
                continue;
            }
            try {
                BenchShape row = row(cells, columns);
                row.spec();
                BatchText.parse(row.batch());
                rows.add(row);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(file + ", line " + (i + 1) + ": " + e.getMessage(), e);
            }
        }
        return rows;
    }

    private static BenchShape row(String[] cells, int columns) {
        if (cells.length != columns) {
            throw new IllegalArgumentException(columns + " columns are needed, got " + cells.length);
        }
        if (!cells[6].equals("true") && !cells[6].equals("false")) {
            throw new IllegalArgumentException("causal must be true or false, got '" + cells[6] + "'");
        }
        String threads = columns > 7 ? cells[7] : "all";
        if (!threads.equals("all") && !threads.matches("[1-9]\\d{0,3}")) {
            throw new IllegalArgumentException(
                    "threads must be all or a number from 1 to 9999, got '" + threads + "'");
        }
        return new BenchShape(cells[0], Integer.parseInt(cells[1]), cells[2], cells[3],
                Integer.parseInt(cells[4]), cells[5].replace('+', ','), Boolean.parseBoolean(cells[6]),
                threads.equals("all") ? 0 : Integer.parseInt(threads));
    }

    /** Returns the spec, of a row that asks for so much determinism. */
    public AttentionSpec spec(Determinism determinism) {
        return spec().toBuilder().determinism(determinism).build();
    }

    /** Returns the spec, which asks for no determinism. */
    public AttentionSpec spec() {
        ShapeFlags flags = new ShapeFlags();
        flags.heads = heads;
        flags.headDim = String.valueOf(headDim);
        flags.dtype = dtype;
        flags.kvDtype = kvDtype.isEmpty() ? null : DataType.ofId(kvDtype).id();
        flags.pageSize = pageSize;
        flags.causal = causal;
        return flags.spec();
    }
}
