package dev.heddle.cli.bench;

import dev.heddle.cli.bench.Chart.Axes;
import dev.heddle.cli.bench.Chart.Point;
import dev.heddle.cli.bench.Chart.Scale;
import dev.heddle.cli.input.BatchText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Plots for the host: ratio to the limit over kv_len for a decode step of one request, for each of the heads that
 * several lengths were timed with, and over group size for the setting that most groups were timed with. Rows on the
 * most threads and of the largest page size; peers beside Heddle.
 */
final class HostPlot {
    private static final int MOST_HEADS = 3;

    private HostPlot() {}

    /** Returns the document. */
    static String svg(List<BenchRow> all) {
        int threads = all.stream().mapToInt(HostPlot::threads).max().orElse(0);
        int pageSize = all.stream().mapToInt(BenchRow::pageSize).max().orElse(0);
        List<BenchRow> rows = all.stream().filter(row -> threads(row) == threads && decodes(row))
                .filter(row -> row.pageSize() == 0 || row.pageSize() == pageSize)
                .filter(row -> Double.isFinite(row.ratio())).toList();
        Chart chart = new Chart(true);
        Map<String, List<BenchRow>> lengths = rows.stream().filter(row -> lengths(row).kvLens().length == 1)
                .collect(
                        Collectors.groupingBy(row -> row.numQoHeads() + "/" + row.numKvHeads() + ", head_dim "
                                + row.headDim(), TreeMap::new, Collectors.toList()));
        List<Map.Entry<String, List<BenchRow>>> most = lengths.entrySet().stream()
                .sorted(Comparator.comparing(one -> -distinct(one.getValue(), HostPlot::kvLen)))
                .filter(new Head()).toList();
        for (Map.Entry<String, List<BenchRow>> one : most) {
            chart.panel(
                    new Axes("Time over the limit, by kv_len: decode of one request, heads " + one.getKey(),
                            "kv_len", Scale.LOGARITHMIC, Scale.LOGARITHMIC, true),
                    series(one.getValue(), HostPlot::kvLen));
        }
        List<BenchRow> groups = rows.stream()
                .collect(Collectors.groupingBy(
                        row -> row.numKvHeads() + " KV heads, head_dim " + row.headDim() + ", "
                                + row.batch()))
                .values().stream().max(Comparator.comparing(one -> distinct(one, HostPlot::group)))
                .orElse(List.of());
        String setting = groups.isEmpty() ? "" : ": " + groups.getFirst().batch();
        chart.panel(new Axes("Time over the limit, by group size" + setting, "query heads for each KV head",
                Scale.EVEN, Scale.LOGARITHMIC, true), series(groups, HostPlot::group));
        return chart.document();
    }

    /** Lets the first setting through, and others that have more than one length. */
    private static final class Head implements Predicate<Map.Entry<String, List<BenchRow>>> {
        private int passed;

        @Override
        public boolean test(Map.Entry<String, List<BenchRow>> one) {
            return (passed == 0 || distinct(one.getValue(), HostPlot::kvLen) > 1) && passed++ < MOST_HEADS;
        }
    }

    private static long distinct(List<BenchRow> rows, ToDoubleFunction<BenchRow> of) {
        return rows.stream().mapToDouble(of).distinct().count();
    }

    private static Map<String, List<Point>> series(List<BenchRow> rows, ToDoubleFunction<BenchRow> across) {
        Function<BenchRow, String> name = row -> row.impl() + " " + row.kvDtype();
        Map<String, List<Point>> series = new TreeMap<>();
        rows.forEach(row -> series.computeIfAbsent(name.apply(row), impl -> new ArrayList<>())
                .add(new Point(across.applyAsDouble(row), row.ratio(), row.line())));
        return series;
    }

    private static int threads(BenchRow row) {
        return row.host() == null ? 0 : row.host().threads();
    }

    private static boolean decodes(BenchRow row) {
        return Arrays.stream(lengths(row).qoLens()).allMatch(qoLen -> qoLen == 1);
    }

    private static BatchText lengths(BenchRow row) {
        return BatchText.parse(row.batch());
    }

    private static double kvLen(BenchRow row) {
        return lengths(row).kvLens()[0];
    }

    private static double group(BenchRow row) {
        return (double) row.numQoHeads() / row.numKvHeads();
    }
}
