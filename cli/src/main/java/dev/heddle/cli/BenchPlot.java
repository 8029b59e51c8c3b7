package dev.heddle.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Two plots in one SVG: ratio to the limit over bytes, and time over group size for the KV size that most group sizes
 * were timed at. Text alone, so that a runtime without java.desktop draws them, too.
 */
final class BenchPlot {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 360;
    private static final int LEFT = 70;
    private static final int TOP = 40;
    private static final int INNER_WIDTH = 480;
    private static final int INNER_HEIGHT = 260;
    private static final String[] COLOURS =
            {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};

    private final StringBuilder svg = new StringBuilder();

    private BenchPlot() {}

    static void write(List<BenchRow> rows, Path file) throws IOException {
        BenchFiles.write(svg(rows), file);
    }

    /** Returns the document. */
    static String svg(List<BenchRow> rows) {
        BenchPlot plot = new BenchPlot();
        plot.svg.append(String.format(Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                        + " font-family=\"sans-serif\" font-size=\"12\">%n<rect width=\"100%%\" height=\"100%%\""
                        + " fill=\"white\"/>%n",
                WIDTH, 2 * HEIGHT));
        List<BenchRow> limited = rows.stream().filter(row -> Double.isFinite(row.ratio())).toList();
        plot.panel(0, "Time over the limit, by KV bytes", "KV MB", limited, row -> row.kvBytes() / 1e6,
                BenchRow::ratio, true);
        plot.panel(HEIGHT, "Time in µs, by group size at equal KV bytes", "query heads for each KV head",
                groups(rows), row -> (double) row.numQoHeads() / row.numKvHeads(), BenchRow::micros, false);
        return plot.svg.append("</svg>\n").toString();
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

    private void panel(int y, String title, String axis, List<BenchRow> rows,
            ToDoubleFunction<BenchRow> across,
            ToDoubleFunction<BenchRow> up, boolean logarithmic) {
        text(LEFT, y + 20, "start", title);
        if (rows.isEmpty()) {
            text(LEFT, y + TOP + 20, "start", "nothing was timed");
            return;
        }
        double least = rows.stream().mapToDouble(across).min().orElseThrow();
        double most = rows.stream().mapToDouble(across).max().orElseThrow();
        double step = step(rows.stream().mapToDouble(up).max().orElseThrow());
        int steps = (int) Math.ceil(rows.stream().mapToDouble(up).max().orElseThrow() / step);
        double top = step * steps;
        ToDoubleFunction<Double> x = value -> LEFT + INNER_WIDTH
                * (most == least ? 0.5
                        : logarithmic ? Math.log(value / least) / Math.log(most / least)
                                : (value - least) / (most - least));
        ToDoubleFunction<Double> height = value -> y + TOP + INNER_HEIGHT * (1 - value / top);
        for (int i = 0; i <= steps; i++) {
            double value = step * i;
            line(LEFT, height.applyAsDouble(value), LEFT + INNER_WIDTH, height.applyAsDouble(value),
                    "#dddddd");
            text(LEFT - 6, height.applyAsDouble(value) + 4, "end", number(value));
        }
        if (logarithmic) {
            line(LEFT, height.applyAsDouble(1.0), LEFT + INNER_WIDTH, height.applyAsDouble(1.0), "#888888");
        }
        double end = Double.NEGATIVE_INFINITY;
        for (double value : rows.stream().mapToDouble(across).distinct().sorted().toArray()) {
            if (x.applyAsDouble(value) > end + 36) { // numbers must not lie on each other
                end = x.applyAsDouble(value);
                text(end, y + TOP + INNER_HEIGHT + 18, "middle", number(value));
            }
        }
        text(LEFT + INNER_WIDTH / 2.0, y + TOP + INNER_HEIGHT + 36, "middle", axis);
        Map<String, List<BenchRow>> series = new TreeMap<>();
        rows.forEach(row -> series.computeIfAbsent(row.impl(), impl -> new ArrayList<>()).add(row));
        int index = 0;
        for (Map.Entry<String, List<BenchRow>> one : series.entrySet()) {
            String colour = COLOURS[index % COLOURS.length];
            for (BenchRow row : one.getValue()) {
                svg.append(String.format(Locale.ROOT,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"><title>%s</title></circle>%n",
                        x.applyAsDouble(across.applyAsDouble(row)),
                        height.applyAsDouble(up.applyAsDouble(row)),
                        colour, escaped(row.line())));
            }
            int at = y + TOP + 14 + 20 * index++;
            svg.append(String.format(Locale.ROOT, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>%n",
                    LEFT + INNER_WIDTH + 24, at - 4, colour));
            text(LEFT + INNER_WIDTH + 36, at, "start", one.getKey());
        }
    }

    private void line(double x1, double y1, double x2, double y2, String colour) {
        svg.append(String.format(Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>%n", x1, y1, x2, y2,
                colour));
    }

    private void text(double x, double y, String anchor, String words) {
        svg.append(
                String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n", x, y,
                        anchor, escaped(words)));
    }

    /** Returns a round distance of lines, 1, 2 or 5 times a power of ten, that gives at most six. */
    private static double step(double most) {
        double power = Math.pow(10, Math.floor(Math.log10(Math.max(most, Double.MIN_NORMAL) / 5)));
        for (double factor : new double[]{1, 2, 5}) {
            if (most <= 6 * factor * power) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value < 10 && value != Math.rint(value) ? "%.1f" : "%.0f", value);
    }

    private static String escaped(String words) {
        return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
