package dev.heddle.conformance.report;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.Outcome;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A grid of two dimensions of the declaration: each cell says how the cases with these two values ended. */
final class HeatMap {
    private static final String REFUSAL_RULE = "2.03";
    private static final Comparator<String> ORDER = Comparator.comparingLong(HeatMap::leadingNumber)
            .thenComparing(Comparator.naturalOrder());

    private final Map<String, Map<String, Cell>> cells = new TreeMap<>(ORDER);
    private final TreeSet<String> rows = new TreeSet<>(ORDER);
    private final TreeSet<String> columns = new TreeSet<>(ORDER);
    private final Set<String> declaredRows = new HashSet<>();
    private final Set<String> declaredColumns = new HashSet<>();

    /**
     * Cells of the cases that have both values. Random shapes count in the cells that derived cases make, and make no
     * rows of their own.
     *
     * @param seed that of derived cases
     */
    HeatMap(
            List<CaseResult> results, long seed,
            Function<String, Optional<String>> rowOf,
            Function<String, Optional<String>> columnOf) {
        for (CaseResult result : results) {
            if (result.kase().name().endsWith("/seed" + seed)) {
                each(result, rowOf, columnOf, (row, column) -> {
                    rows.add(row);
                    columns.add(column);
                    if (!result.kase().rule().equals(REFUSAL_RULE)) {
                        declaredRows.add(row);
                        declaredColumns.add(column);
                    }
                });
            }
        }
        for (CaseResult result : results) {
            each(result, rowOf, columnOf, (row, column) -> {
                if (rows.contains(row) && columns.contains(column)) {
                    cells.computeIfAbsent(row, key -> new TreeMap<>(ORDER))
                            .computeIfAbsent(column, key -> new Cell())
                            .count(result);
                }
            });
        }
    }

    private static void each(CaseResult result, Function<String, Optional<String>> rowOf,
            Function<String, Optional<String>> columnOf, BiConsumer<String, String> place) {
        String shape = result.kase().shape();
        rowOf.apply(shape)
                .ifPresent(row -> columnOf.apply(shape).ifPresent(column -> place.accept(row, column)));
    }

    private static long leadingNumber(String value) {
        int end = 0;
        while (end < value.length() && end < 18 && Character.isDigit(value.charAt(end))) {
            end++;
        }
        return end == 0 ? Long.MAX_VALUE : Long.parseLong(value, 0, end, 10);
    }

    /** Writes the grid, or nothing if it would have no cell. */
    void write(Html html, String rowName, String columnName) {
        if (rows.isEmpty()) {
            return;
        }
        html.add(
                "<figure><figcaption>{} × {}</figcaption><div class=\"scroll\" tabindex=\"0\"><table class=\"heat\"><thead><tr>",
                rowName, columnName);
        html.add("<th class=\"corner\">{}&nbsp;↓ {}&nbsp;→</th>", rowName, columnName);
        columns.forEach(column -> header(html, "col", column, declaredColumns.contains(column)));
        html.add("</tr></thead><tbody>");
        for (String row : rows) {
            html.add("<tr>");
            header(html, "row", row, declaredRows.contains(row));
            for (String column : columns) {
                cell(html, cells.getOrDefault(row, Map.of()).get(column),
                        rowName + " " + row + ", " + columnName + " " + column + ": ",
                        declaredRows.contains(row) && declaredColumns.contains(column));
            }
            html.add("</tr>");
        }
        html.add("</tbody></table></div></figure>");
    }

    private static void header(Html html, String scope, String value, boolean declared) {
        if (declared) {
            html.add("<th scope=\"{}\">{}</th>", scope, value);
        } else {
            html.add("<th scope=\"{}\" class=\"outside\" title=\"{} is not declared\">{}</th>", scope, value,
                    value);
        }
    }

    private static void cell(Html html, @Nullable Cell cell, String place, boolean declared) {
        if (cell != null) {
            html.add("<td class=\"{}\" title=\"{}\">{}</td>", cell.style(), place + cell.words(),
                    cell.mark());
        } else if (declared) {
            html.add("<td class=\"none\" title=\"{}\"></td>", place + "no case");
        } else {
            html.add("<td class=\"undeclared\" title=\"{}\">–</td>", place + "not declared");
        }
    }

    private static final class Cell {
        private int passed;
        private int failed;
        private int refused;
        private int notDeclared;

        void count(CaseResult result) {
            if (result.outcome() == Outcome.FAILED) {
                failed++;
            } else if (result.outcome() == Outcome.NOT_DECLARED) {
                notDeclared++;
            } else if (result.kase().rule().equals(REFUSAL_RULE)) {
                refused++; // passing this rule is being refused
            } else {
                passed++;
            }
        }

        String style() {
            return failed > 0 ? "fail" : passed > 0 ? "pass" : refused > 0 ? "refused" : "undeclared";
        }

        // A sign beside the colour: a colour alone says nothing to some readers.
        String mark() {
            return failed > 0 ? "✗ " + failed
                    : passed > 0 ? "✓ " + passed : refused > 0 ? "⊘ " + refused : "–";
        }

        String words() {
            return passed + " passed, " + failed + " failed, " + refused + " refused as they should be, "
                    + notDeclared
                    + " not declared";
        }
    }
}
