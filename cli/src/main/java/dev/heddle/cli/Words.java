package dev.heddle.cli;

import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.tensor.DataType;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A declaration as people read it. */
final class Words {
    private Words() {}

    /** One column of a support table. */
    record Column(String title, Function<Capabilities, String> cell) {}

    /** Returns what a reader asks first, in that order. */
    static List<Column> columns() {
        return List.of(new Column("group sizes", can -> of(can.groupSizes())),
                new Column("head dims",
                        can -> can.headDims().stream().map(Words::of).collect(Collectors.joining("; "))),
                new Column("page sizes", can -> of(can.pageSizes())),
                new Column("q", can -> of(can, DtypeTuple::q)),
                new Column("KV", can -> of(can, DtypeTuple::k)),
                new Column("layouts", can -> of(can.kvLayouts(), false)),
                new Column("masks", can -> of(can.masks(), true)),
                new Column("features", can -> of(can.features(), true)));
    }

    private static String of(IntSet set) {
        if (!set.values().isEmpty()) {
            return set.values().stream().map(String::valueOf).collect(Collectors.joining(", "));
        }
        String multiples = set.step() == 1 ? "" : " in steps of " + set.step();
        if (set.max() == Integer.MAX_VALUE) {
            return (set.min() <= 1 ? "any" : set.min() + " and more") + multiples;
        }
        return set.min() + " to " + set.max() + multiples;
    }

    private static String of(HeadDims dims) {
        if (dims.equal()) {
            return of(dims.qk());
        }
        return dims.qk().equals(dims.vo()) ? of(dims.qk()) + ", QK and VO each"
                : of(dims.qk()) + " (QK) / " + of(dims.vo()) + " (VO)";
    }

    private static String of(Capabilities can, Function<DtypeTuple, DataType> part) {
        return can.dtypes().stream().map(part).collect(Collectors.toCollection(TreeSet::new)).stream()
                .map(DataType::id).collect(Collectors.joining(", "));
    }

    private static String of(Collection<?> values, boolean lowerCase) {
        String words = values.stream().map(v -> String.valueOf(v).replace('_', ' '))
                .collect(Collectors.joining(", "));
        return lowerCase ? words.toLowerCase(Locale.ROOT) : words;
    }
}
