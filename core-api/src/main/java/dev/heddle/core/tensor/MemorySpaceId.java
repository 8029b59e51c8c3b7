package dev.heddle.core.tensor;

import dev.heddle.core.Stable;
import java.util.regex.Pattern;

/**
 * The name of a memory space: {@code host}, or a kind and a device ordinal, {@code cuda:0}, {@code opencl:1}.
 *
 * @param kind lower-case family, matches {@code [a-z][a-z0-9-]*}
 * @param ordinal device number, 0 or more; 0 for the host
 * @since 0.1
 */
@Stable
public record MemorySpaceId(String kind, int ordinal) {
    private static final Pattern KIND = Pattern.compile("[a-z][a-z0-9-]*"); // before HOST, which it checks

    /** The kind of host memory. */
    public static final String HOST_KIND = "host";

    /** Memory that the JVM and its CPU backends address directly. */
    public static final MemorySpaceId HOST = new MemorySpaceId(HOST_KIND, 0);

    /**
     * Checks the name.
     *
     * @throws IllegalArgumentException if the kind or the ordinal is malformed
     */
    public MemorySpaceId {
        if (!KIND.matcher(kind).matches()) {
            throw new IllegalArgumentException(
                    "memory space kind must match " + KIND + ", got '" + kind + "'");
        }
        if (ordinal < 0 || (ordinal > 0 && kind.equals(HOST_KIND))) {
            throw new IllegalArgumentException("memory space '" + kind + "' cannot have ordinal " + ordinal);
        }
    }

    /** Returns whether this is host memory. */
    public boolean isHost() {
        return kind.equals(HOST_KIND);
    }

    /**
     * Parses {@code host} or {@code kind:ordinal}.
     *
     * @throws IllegalArgumentException if the text is neither
     */
    public static MemorySpaceId parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            return text.equals(HOST_KIND) ? HOST : new MemorySpaceId(text, 0);
        }
        try {
            return new MemorySpaceId(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "memory space must be 'host' or 'kind:ordinal' such as 'cuda:0', got '" + text + "'", e);
        }
    }

    @Override
    public String toString() {
        return isHost() ? HOST_KIND : kind + ":" + ordinal;
    }
}
