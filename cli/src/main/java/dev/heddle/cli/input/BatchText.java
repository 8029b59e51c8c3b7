package dev.heddle.cli.input;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A batch as text: items {@code [N*]QO_LENxKV_LEN} separated by commas. {@code 64*1x8192,33x97} is 64 decode requests
 * and one prefill.
 *
 * @param qoLens query rows of each request
 * @param kvLens KV tokens of each request
 */
public record BatchText(int[] qoLens, int[] kvLens) {
    private static final Pattern ITEM = Pattern.compile("(?:(\\d{1,9})\\*)?(\\d{1,10})x(\\d{1,10})");
    private static final int MOST_REQUESTS = 1 << 20;

    /**
     * Parses a batch.
     *
     * @throws IllegalArgumentException naming the item that is malformed
     */
    public static BatchText parse(String text) {
        List<int[]> requests = new ArrayList<>();
        for (String item : text.split(",", -1)) {
            Matcher matcher = ITEM.matcher(item.strip());
            if (!matcher.matches()) {
                throw new IllegalArgumentException(
                        "a batch item must be [N*]QO_LENxKV_LEN, as in 64*1x8192, got '"
                                + item + "' in '" + text + "'");
            }
            long count = matcher.group(1) == null ? 1 : Long.parseLong(matcher.group(1));
            long qoLen = Long.parseLong(matcher.group(2));
            long kvLen = Long.parseLong(matcher.group(3));
            if (count < 1 || qoLen > Integer.MAX_VALUE || kvLen > Integer.MAX_VALUE
                    || requests.size() + count > MOST_REQUESTS) {
                throw new IllegalArgumentException("a batch has at most " + MOST_REQUESTS
                        + " requests (each item at least one) with lengths below 2^31, got '" + item + "'");
            }
            for (long i = 0; i < count; i++) {
                requests.add(new int[]{(int) qoLen, (int) kvLen});
            }
        }
        return new BatchText(requests.stream().mapToInt(r -> r[0]).toArray(),
                requests.stream().mapToInt(r -> r[1]).toArray());
    }
}
