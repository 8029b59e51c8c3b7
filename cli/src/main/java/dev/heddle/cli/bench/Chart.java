package dev.heddle.cli.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;

/** Panels of points in one SVG, as text alone: a runtime without java.desktop draws them, too. */
final class Chart {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 360;
    private static final int LEFT = 70;
    private static final int TOP = 40;
    private static final int INNER_WIDTH = 480;
    private static final int INNER_HEIGHT = 260;
    private static final int LEGEND_HEIGHT = 316;
    private static final int LEGEND_ROW = 18; // less where there are many
    private static final String[] COLOURS =
            {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"};
    // Of the first series with these colours, the second ones, and all others: how lines are broken, circles are filled.
    private static final String[] DASHES = {"none", "5 3", "1 3"};
    private static final String[] FILLS = {"", "white", "#dddddd"}; // the first: the colour itself

    private final StringBuilder svg = new StringBuilder();
    private final boolean joined;
    private int panels;

    /** Makes a chart whose points are joined by lines or not. */
    Chart(boolean joined) {
        this.joined = joined;
    }

    /** A value across, a value up, and what a pointer over it shows. */
    record Point(double x, double y, String words) {}

    /** How an axis is divided: evenly from 0, or by ratios. */
    enum Scale {
        EVEN, LOGARITHMIC
    }

    /** A panel's words and axes. */
    record Axes(String title, String across, Scale x, Scale y, boolean lineAtOne) {}

    /** Adds a panel below the ones before. */
    void panel(Axes axes, Map<String, List<Point>> series) {
        int y = HEIGHT * panels++;
        text(LEFT, y + 20, "start", axes.title());
        List<Point> all = series.values().stream().flatMap(List::stream).toList();
        if (all.isEmpty()) {
            text(LEFT, y + TOP + 20, "start", "nothing was timed");
            return;
        }
        double least = all.stream().mapToDouble(Point::x).min().orElseThrow();
        double most = all.stream().mapToDouble(Point::x).max().orElseThrow();
        boolean even = axes.x() == Scale.EVEN;
        DoubleUnaryOperator x = value -> LEFT + INNER_WIDTH * (most == least ? 0.5
                : even ? (value - least) / (most - least) : Math.log(value / least) / Math.log(most / least));
        double[] lines = axes.y() == Scale.EVEN ? even(all) : powers(all);
        double bottom = lines[0];
        double top = lines[lines.length - 1];
        DoubleUnaryOperator height = value -> y + TOP + INNER_HEIGHT * (1 - (axes.y() == Scale.EVEN
                ? value / top : Math.log(value / bottom) / Math.log(top / bottom)));
        for (double value : lines) {
            line(LEFT, height.applyAsDouble(value), LEFT + INNER_WIDTH, height.applyAsDouble(value),
                    "#dddddd");
            text(LEFT - 6, height.applyAsDouble(value) + 4, "end", number(value));
        }
        if (axes.lineAtOne() && bottom <= 1 && top >= 1) {
            line(LEFT, height.applyAsDouble(1), LEFT + INNER_WIDTH, height.applyAsDouble(1), "#888888");
        }
        double end = Double.NEGATIVE_INFINITY;
        for (double value : all.stream().mapToDouble(Point::x).distinct().sorted().toArray()) {
            if (x.applyAsDouble(value) > end + 36) { // numbers must not lie on each other
                end = x.applyAsDouble(value);
                text(end, y + TOP + INNER_HEIGHT + 18, "middle", number(value));
            }
        }
        text(LEFT + INNER_WIDTH / 2.0, y + TOP + INNER_HEIGHT + 36, "middle", axes.across());
        int index = 0;
        for (Map.Entry<String, List<Point>> one : new TreeMap<>(series).entrySet()) {
            draw(one.getValue(), x, height, index);
            legend(y + TOP + 14 + Math.min(LEGEND_ROW, LEGEND_HEIGHT / series.size()) * index, index,
                    one.getKey());
            index++;
        }
    }

    private static String colour(int index) {
        return COLOURS[index % COLOURS.length];
    }

    private static int turn(int index) {
        return Math.min(index / COLOURS.length, DASHES.length - 1);
    }

    private static String fill(int index) {
        return index < COLOURS.length ? colour(index) : FILLS[turn(index)];
    }

    private void draw(List<Point> points, DoubleUnaryOperator x, DoubleUnaryOperator height, int index) {
        String colour = colour(index);
        List<Point> sorted = points.stream().sorted(Comparator.comparingDouble(Point::x)).toList();
        if (joined && sorted.size() > 1) {
            svg.append("<polyline fill=\"none\" stroke=\"").append(colour)
                    .append("\" stroke-dasharray=\"").append(DASHES[turn(index)]).append("\" points=\"");
            sorted.forEach(
                    point -> svg.append(String.format(Locale.ROOT, "%.1f,%.1f ", x.applyAsDouble(point.x()),
                            height.applyAsDouble(point.y()))));
            svg.append("\"/>\n");
        }
        for (Point point : sorted) {
            svg.append(String.format(Locale.ROOT,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\" stroke=\"%s\"><title>%s</title></circle>%n",
                    x.applyAsDouble(point.x()), height.applyAsDouble(point.y()), fill(index),
                    colour,
                    escaped(point.words())));
        }
    }

    private void legend(int at, int index, String words) {
        svg.append(String.format(Locale.ROOT,
                "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\" stroke=\"%s\"/>%n",
                LEFT + INNER_WIDTH + 24, at - 4, fill(index), colour(index)));
        text(LEFT + INNER_WIDTH + 36, at, "start", words);
    }

    /** Returns the document. */
    String document() {
        return String.format(Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\""
                        + " font-size=\"12\">%n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n",
                WIDTH, panels * HEIGHT) + svg + "</svg>\n";
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

    /** Returns lines from 0 up at a round distance, 1, 2 or 5 times a power of ten, at most seven. */
    private static double[] even(List<Point> points) {
        double most = points.stream().mapToDouble(Point::y).max().orElseThrow();
        double power = Math.pow(10, Math.floor(Math.log10(Math.max(most, Double.MIN_NORMAL) / 5)));
        double step = Stream.of(1, 2, 5, 10).mapToDouble(factor -> factor * power)
                .filter(distance -> most <= 6 * distance).findFirst().orElse(10 * power);
        double[] lines = new double[(int) Math.ceil(most / step) + 1];
        for (int i = 0; i < lines.length; i++) {
            lines[i] = i * step;
        }
        return lines;
    }

    /** Returns lines at 1, 2 and 5 times powers of ten, from below the least value to above the largest. */
    private static double[] powers(List<Point> points) {
        double least = points.stream().mapToDouble(Point::y).min().orElseThrow();
        double most = points.stream().mapToDouble(Point::y).max().orElseThrow();
        List<Double> lines = new ArrayList<>();
        for (double power = Math.pow(10, Math.floor(Math.log10(least))); lines.isEmpty()
                || lines.getLast() < most; power *= 10) {
            for (int factor : new int[]{1, 2, 5}) {
                double value = factor * power;
                if (value <= least) {
                    lines.clear();
                }
                if (lines.isEmpty() || lines.getLast() < most) {
                    lines.add(value);
                }
            }
        }
        return lines.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static String number(double value) {
        if (value == Math.rint(value) || value >= 10) {
            return String.format(Locale.ROOT, "%.0f", value);
        }
        return String.format(Locale.ROOT, value < 1 ? "%.2g" : "%.1f", value);
    }

    private static String escaped(String words) {
        return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
