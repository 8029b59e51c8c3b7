package dev.heddle.conformance.report;

import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads values of dimensions from a case's shape: {@code g7-d128-p16-bf16}. */
final class ShapeValues {
    private static final Pattern LETTER_AND_NUMBER = Pattern.compile("([gdp])(\\d+(?:x\\d+)?)");

    private static final Pattern START = Pattern.compile("(?:^|-)(g\\d+-d\\d)");
    private static final String ROLES = "kvo"; // K, V or out of another type than q

    private ShapeValues() {}

    /** Returns the words of the shape proper: what stands before it may look like one. */
    private static String[] words(String shape) {
        Matcher start = START.matcher(shape);
        return shape.substring(start.find() ? start.start(1) : 0).split("-");
    }

    /** Returns the value of a dimension named by a letter: g (group size), d (head dim), p (page size). */
    static Optional<String> value(String shape, char letter) {
        return Arrays.stream(words(shape))
                .map(LETTER_AND_NUMBER::matcher)
                .filter(Matcher::matches)
                .filter(m -> m.group(1).charAt(0) == letter)
                .map(m -> m.group(2))
                .findFirst();
    }

    /** Returns the element types, that of q first and others by their role: {@code bf16 k:fp8_e4m3}. */
    static Optional<String> dtype(String shape) {
        StringBuilder types = new StringBuilder();
        for (String token : words(shape)) {
            if (isDtype(token)) {
                types.append(types.isEmpty() ? "" : " ").append(token);
            } else if (token.length() > 1 && ROLES.indexOf(token.charAt(0)) >= 0
                    && isDtype(token.substring(1))) {
                types.append(' ').append(token.charAt(0)).append(':').append(token.substring(1));
            }
        }
        return types.isEmpty() ? Optional.empty() : Optional.of(types.toString());
    }

    private static boolean isDtype(String token) {
        return Arrays.stream(DataType.values()).anyMatch(type -> type.id().equals(token));
    }
}
