package dev.heddle.conformance.report;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ErrorStats;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** How near to their bounds the errors of numeric cases came, as bars. */
final class Histogram {
    private static final int BINS = 10;
    private static final int BAR = 34;
    private static final int HEIGHT = 160;
    private static final int TOP = 22;

    private final int[] counts = new int[BINS + 1]; // the last one is past the bound

    /** Counts an error of each case as a fraction of what it may be. */
    Histogram(List<CaseResult> results, ToDoubleFunction<ErrorStats> fraction) {
        for (CaseResult result : results) {
            ErrorStats errors = result.errors();
            if (errors != null) {
                double strain = fraction.applyAsDouble(errors);
                // Not (strain <= 1): NaN is past every bound.
                counts[strain <= 1 ? (int) Math.min(BINS - 1, strain * BINS) : BINS]++;
            }
        }
    }

    int total() {
        return Arrays.stream(counts).sum();
    }

    void write(Html html, String what) {
        int most = Math.max(1, Arrays.stream(counts).max().orElse(1));
        int width = counts.length * BAR;
        html.add(
                "<figure><figcaption>{}</figcaption><div class=\"scroll\" tabindex=\"0\"><svg class=\"bars\" viewBox=\"-8 0 {} {}\" role=\"img\" aria-label=\"{}\">",
                Html.capital(what), width + 12, HEIGHT + TOP + 40,
                "Histogram of " + what + " divided by its bound: " + Arrays.toString(counts));
        for (int i = 0; i < counts.length; i++) {
            double height = (double) HEIGHT * counts[i] / most;
            if (counts[i] > 0) {
                height = Math.max(height, 2);
            }
            int x = i * BAR;
            html.add("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                    i == BINS ? "bad" : "good", x + 3, number(TOP + HEIGHT - height), BAR - 6,
                    number(height));
            html.add("<text x=\"{}\" y=\"{}\">{}</text>",
                    x + BAR / 2, number(TOP + HEIGHT - height - 6), counts[i] == 0 ? "" : counts[i]);
            html.add("<text class=\"axis\" x=\"{}\" y=\"{}\">{}</text>",
                    x + (i == BINS ? BAR / 2 + 4 : 0), TOP + HEIGHT + 18, i == BINS ? "> 1" : edge(i));
        }
        html.add("<line class=\"limit\" x1=\"{}\" x2=\"{}\" y1=\"6\" y2=\"{}\"/>", BINS * BAR, BINS * BAR,
                TOP + HEIGHT);
        html.add(
                "<text class=\"axis\" x=\"{}\" y=\"{}\">error ÷ bound (a case passes up to 1)</text></svg></div></figure>",
                width / 2, TOP + HEIGHT + 36);
    }

    /** Where a bar begins. */
    private static String edge(int bin) {
        return bin == 0 ? "0" : String.format(Locale.ROOT, "%.1f", bin / (double) BINS);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }
}
