package dev.heddle.cli.bench;

import dev.heddle.core.attention.Determinism;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code batch-invariant} and the like. */
final class DeterminismConverter implements ITypeConverter<Determinism> {
    @Override
    public Determinism convert(String text) {
        List<String> known = Arrays.stream(Determinism.values()).map(DeterminismConverter::word).toList();
        int index = known.indexOf(text.toLowerCase(Locale.ROOT));
        if (index < 0) {
            throw new TypeConversionException(
                    "'" + text + "' is no level of determinism; " + String.join(", ", known) + " are");
        }
        return Determinism.values()[index];
    }

    /** Returns how a level is written. */
    static String word(Determinism level) {
        return level.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
