package dev.heddle.cli.bench;

import dev.heddle.cli.bench.Chart.Axes;
import dev.heddle.cli.bench.Chart.Point;
import dev.heddle.cli.bench.Chart.Scale;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Two plots for devices: ratio to the limit over bytes, and time over group size for the KV size that most group sizes
 * were timed at.
 */
final class BenchPlot {
    private BenchPlot() {}

    /** Returns the document. */
    static String svg(List<BenchRow> rows) {
        Chart chart = new Chart(false);
        List<BenchRow> limited = rows.stream().filter(row -> Double.isFinite(row.ratio())).toList();
        chart.panel(
                new Axes("Time over the limit, by KV bytes", "KV MB", Scale.LOGARITHMIC, Scale.EVEN, true),
                series(limited, row -> row.kvBytes() / 1e6, BenchRow::ratio));
        chart.panel(new Axes("Time in µs, by group size at equal KV bytes", "query heads for each KV head",
                Scale.EVEN, Scale.EVEN, false),
                series(groups(rows), row -> (double) row.numQoHeads() / row.numKvHeads(), BenchRow::micros));
        return chart.document();
    }

    private static Map<String, List<Point>> series(List<BenchRow> rows, ToDoubleFunction<BenchRow> across,
            ToDoubleFunction<BenchRow> up) {
        Map<String, List<Point>> series = new TreeMap<>();
        rows.forEach(row -> series.computeIfAbsent(row.impl(), impl -> new ArrayList<>())
                .add(new Point(across.applyAsDouble(row), up.applyAsDouble(row), row.line())));
        return series;
    }

    /** Returns the rows of the one setting apart from the query heads that has the most of them. */
    static List<BenchRow> groups(List<BenchRow> rows) {
        Map<String, List<BenchRow>> settings = new TreeMap<>();
        for (BenchRow row : rows) {
            String setting = String.join(" ", String.valueOf(row.numKvHeads()), String.valueOf(row.headDim()),
                    row.dtype(), row.kvDtype(), row.batch());
            settings.computeIfAbsent(setting, key -> new ArrayList<>()).add(row);
        }
        List<BenchRow> most = List.of();
        for (List<BenchRow> setting : settings.values()) {
            most = setting.size() > most.size() ? setting : most;
        }
        return most;
    }
}
