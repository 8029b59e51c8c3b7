package dev.heddle.conformance.report;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.Outcome;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** A grid of two dimensions of the declaration: each cell says how the cases with these two values ended. */
final class HeatMap {
    private static final String REFUSAL_RULE = "2.03";
    private static final Comparator<String> ORDER = Comparator.comparingLong(HeatMap::leadingNumber)
            .thenComparing(Comparator.naturalOrder());

    private final Map<String, Map<String, Cell>> rows = new TreeMap<>(ORDER);
    private final TreeSet<String> columns = new TreeSet<>(ORDER);

    /** Cells of the cases that have both values. */
    HeatMap(
            List<CaseResult> results,
            Function<String, Optional<String>> rowOf,
            Function<String, Optional<String>> columnOf) {
        for (CaseResult result : results) {
            String shape = result.kase().shape();
            rowOf.apply(shape).ifPresent(row -> columnOf.apply(shape).ifPresent(column -> {
                columns.add(column);
                rows.computeIfAbsent(row, key -> new TreeMap<>(ORDER))
                        .computeIfAbsent(column, key -> new Cell())
                        .count(result);
            }));
        }
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
                "<figure><figcaption>{} × {}</figcaption><div class=\"scroll\"><table class=\"heat\"><thead><tr>",
                rowName, columnName);
        html.add("<th class=\"corner\">{}&nbsp;↓ {}&nbsp;→</th>", rowName, columnName);
        columns.forEach(column -> html.add("<th scope=\"col\">{}</th>", column));
        html.add("</tr></thead><tbody>");
        rows.forEach((row, cells) -> {
            html.add("<tr><th scope=\"row\">{}</th>", row);
            for (String column : columns) {
                Cell cell = cells.get(column);
                if (cell == null) {
                    html.add("<td class=\"none\" title=\"no case\"></td>");
                } else {
                    html.add("<td class=\"{}\" title=\"{}\">{}</td>",
                            cell.style(),
                            rowName + " " + row + ", " + columnName + " " + column + ": " + cell.words(),
                            cell.mark());
                }
            }
            html.add("</tr>");
        });
        html.add("</tbody></table></div></figure>");
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
