package dev.heddle.cli.peer;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What to time, as {@code heddle bench} writes it: {@code key=value} separated by tabs.
 *
 * @param qoLens query rows of each request
 * @param kvLens KV tokens of each request, the query's own among them
 * @param kvDtype {@code f32} or {@code int8}
 * @param kScale what a stored K of int8 is multiplied by
 * @param vScale what a stored V of int8 is multiplied by
 * @param threads threads that may compute
 * @param copies copies of K and V to walk through, so that each run reads memory
 * @param warmUpMillis how long to run before the first timed run
 * @param timeMillis how long to time
 * @param input see {@link PeerInput}
 * @param output where the result goes: f32, {@code [total_qo_len, num_qo_heads, head_dim]}
 */
public record PeerRow(int numQoHeads, int numKvHeads, int headDim, int[] qoLens, int[] kvLens, boolean causal,
        String kvDtype, float kScale, float vScale, int threads, int copies, int warmUpMillis, int timeMillis,
        Path input, Path output) {
    /**
     * Parses a line.
     *
     * @throws IllegalArgumentException naming the key that is missing, doubled or malformed
     */
    public static PeerRow parse(String line) {
        Map<String, String> values = new HashMap<>();
        for (String pair : line.split("\t", -1)) {
            int at = pair.indexOf('=');
            if (at < 1 || values.put(pair.substring(0, at), pair.substring(at + 1)) != null) {
                throw new IllegalArgumentException("expected each key once as key=value, got '" + pair + "'");
            }
        }
        PeerRow row = new PeerRow(whole(values, "num_qo_heads"), whole(values, "num_kv_heads"),
                whole(values, "head_dim"), lengths(values, "qo_lens"), lengths(values, "kv_lens"),
                Boolean.parseBoolean(text(values, "causal")), text(values, "kv_dtype"),
                number(values, "k_scale"), number(values, "v_scale"), whole(values, "threads"),
                whole(values, "copies"), whole(values, "warm_up_ms"), whole(values, "time_ms"),
                Path.of(text(values, "input")), Path.of(text(values, "output")));
        if (row.qoLens.length != row.kvLens.length) {
            throw new IllegalArgumentException("qo_lens has " + row.qoLens.length + " requests, kv_lens "
                    + row.kvLens.length);
        }
        return row;
    }

    /** Returns the line that {@link #parse} reads. */
    public String line() {
        return String.join("\t", "num_qo_heads=" + numQoHeads, "num_kv_heads=" + numKvHeads,
                "head_dim=" + headDim, "qo_lens=" + joined(qoLens), "kv_lens=" + joined(kvLens),
                "causal=" + causal, "kv_dtype=" + kvDtype, "k_scale=" + kScale, "v_scale=" + vScale,
                "threads=" + threads, "copies=" + copies, "warm_up_ms=" + warmUpMillis,
                "time_ms=" + timeMillis,
                "input=" + input, "output=" + output);
    }

    private static String joined(int[] lengths) {
        return Arrays.stream(lengths).mapToObj(String::valueOf).collect(Collectors.joining(","));
    }

    private static String text(Map<String, String> values, String key) {
        String value = values.get(key);
        if (value == null) {
            throw new IllegalArgumentException(key + " is missing");
        }
        return value;
    }

    private static int whole(Map<String, String> values, String key) {
        try {
            int value = Integer.parseInt(text(values, key));
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // falls through to the message
        }
        throw new IllegalArgumentException(key + " must be a whole number above 0, got '" + values.get(key)
                + "'");
    }

    private static float number(Map<String, String> values, String key) {
        try {
            return Float.parseFloat(text(values, key));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(key + " must be a number, got '" + values.get(key) + "'", e);
        }
    }

    private static int[] lengths(Map<String, String> values, String key) {
        try {
            return Arrays.stream(text(values, key).split(",", -1)).mapToInt(Integer::parseInt).toArray();
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    key + " must be whole numbers with commas, got '" + values.get(key) + "'", e);
        }
    }

    /** Returns the number of requests. */
    public int batch() {
        return qoLens.length;
    }

    /** Returns the query rows of all requests. */
    public int totalQoLen() {
        return Arrays.stream(qoLens).sum();
    }

    /** Returns the KV tokens of all requests. */
    public int totalKvLen() {
        return Arrays.stream(kvLens).sum();
    }

    /** Returns the elements of a token's K. */
    public int kvWidth() {
        return numKvHeads * headDim;
    }

    /** Returns the elements of a row's Q. */
    public int qoWidth() {
        return numQoHeads * headDim;
    }

    /** Returns how many tokens a row of a request sees. */
    public int visible(int request, int row) {
        return causal ? kvLens[request] - qoLens[request] + row + 1 : kvLens[request];
    }

    /** Returns the factor on the logits. */
    public float scale() {
        return (float) (1 / Math.sqrt(headDim));
    }
}
