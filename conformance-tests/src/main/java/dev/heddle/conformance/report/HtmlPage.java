package dev.heddle.conformance.report;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ErrorStats;
import dev.heddle.conformance.Kit;
import dev.heddle.conformance.RuleSummary;
import dev.heddle.core.Evolving;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;

/**
 * A run as one self-contained HTML file, without scripts: what ran, each rule's outcome, heat maps of the declared
 * dimensions, how near to their bounds the errors came, and every failure with the command that reproduces it.
 *
 * @since 0.1
 */
@Evolving
public final class HtmlPage {
    private HtmlPage() {}

    /**
     * Writes a run to a file, making its directory if needed.
     *
     * @throws IOException if it cannot be written
     */
    public static void write(ConformanceReport report, Path file) throws IOException {
        Html html = new Html();
        html.add("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.add("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.add("<title>{}: Heddle conformance</title><style>", report.backend());
        html.add(Style.CSS);
        html.add("</style></head><body><main>");
        header(html, report);
        failures(html, report);
        heatMaps(html, report);
        histogram(html, report.results());
        rules(html, report.rules());
        html.add("</main></body></html>");
        Parents.make(file);
        Files.writeString(file, html.toString());
    }

    private static void header(Html html, ConformanceReport report) {
        html.add("<h1>Conformance of <q>{}</q></h1>", report.backend());
        html.add("<p class=\"verdict {}\">{}</p>", report.succeeded() ? "yes" : "no", report.verdict());
        html.add("<dl><dt>Backend</dt><dd>{} {}</dd>", report.backend(), report.version());
        html.add("<dt>Device</dt><dd>{}</dd>", Provenance.device(report));
        html.add("<dt>Seed</dt><dd>{}; random shapes {}</dd>", report.seed(), report.options().freshSeed());
        html.add("<dt>Budget</dt><dd>{}</dd>", Provenance.budget(report));
        html.add("<dt>Kit</dt><dd>Heddle {}</dd>", Provenance.kit());
        html.add("<dt>Java</dt><dd>{}, {}</dd>", Provenance.java(), Provenance.system());
        html.add("<dt>Date</dt><dd>{}</dd></dl>", LocalDate.now());
    }

    private static void failures(Html html, ConformanceReport report) {
        if (report.failures().isEmpty()) {
            return;
        }
        html.add("<h2>Failures</h2>");
        for (CaseResult result : report.failures()) {
            html.add("<div class=\"failure\"><h3>{}</h3>", result.kase().name());
            html.add("<p class=\"soft\">{}</p>", report.claims().getOrDefault(result.kase().rule(), ""));
            html.add("<p>{}</p>", result.message());
            html.add("<code tabindex=\"0\">{}</code>", Provenance.command(report, result.kase()));
            CaseResult smaller = report.smallest().get(result.kase().name());
            if (smaller != null && !smaller.kase().name().equals(result.kase().name())) {
                html.add("<p class=\"soft\">The smallest case that fails:</p><p>{}</p>", smaller.message());
                html.add("<code tabindex=\"0\">{}</code>", Provenance.command(report, smaller.kase()));
            }
            html.add("</div>");
        }
    }

    private static void heatMaps(Html html, ConformanceReport report) {
        html.add("<h2>What was proved</h2><p class=\"key\"><span class=\"pass\">✓ cases passed</span>"
                + "<span class=\"fail\">✗ cases failed</span><span class=\"refused\">⊘ refused, as it should be</span>"
                + "<span class=\"undeclared\">– not declared</span><span class=\"empty\">no case</span></p>");
        new HeatMap(report.results(), report.seed(), shape -> ShapeValues.value(shape, 'g'),
                shape -> ShapeValues.value(shape, 'd'))
                .write(html, "group size", "head dim");
        new HeatMap(report.results(), report.seed(), ShapeValues::dtype,
                shape -> ShapeValues.value(shape, 'p'))
                .write(html, "dtype", "page size");
    }

    private static void histogram(Html html, List<CaseResult> results) {
        Histogram max =
                new Histogram(results, errors -> ErrorStats.fraction(errors.maxError(), errors.maxBound()));
        html.add("<h2>Errors against the fp64 oracle</h2>");
        if (max.total() == 0) {
            html.add("<p class=\"soft\">No case compared numbers.</p>");
            return;
        }
        html.add("<p class=\"soft\">{} cases compared numbers; each counts once, at its worst.</p>"
                + "<div class=\"histograms\">", max.total());
        max.write(html, "largest error of out");
        new Histogram(results, errors -> ErrorStats.fraction(errors.meanError(), errors.meanBound()))
                .write(html, "mean error of out");
        new Histogram(results, errors -> ErrorStats.fraction(errors.lseError(), Kit.LSE_BOUND))
                .write(html, "largest error of the LSE");
        html.add("</div>");
    }

    private static void rules(Html html, List<RuleSummary> rules) {
        html.add(
                "<h2>Rules</h2><div class=\"scroll\" tabindex=\"0\"><table class=\"rules\"><thead><tr><th>Rule</th><th>Claim</th>"
                        + "<th class=\"count\">Passed</th><th class=\"count\">Failed</th>"
                        + "<th class=\"count\">Not declared</th></tr></thead><tbody>");
        for (RuleSummary rule : rules) {
            html.add("<tr><th scope=\"row\">{}</th><td>{}</td>", rule.rule(), rule.claim());
            count(html, rule.passed(), "");
            count(html, rule.failed(), "bad");
            count(html, rule.notDeclared(), "");
            html.add("</tr>");
        }
        html.add("</tbody></table></div>");
    }

    private static void count(Html html, int count, String style) {
        html.add("<td class=\"count {}\">{}</td>", count == 0 ? "zero" : style, count);
    }
}
