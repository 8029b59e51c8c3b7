package dev.heddle.conformance.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ErrorStats;
import dev.heddle.conformance.Outcome;
import dev.heddle.core.Evolving;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run as JSON lines: a header, then one object for each case. Numbers that JSON has no word for (NaN, infinities)
 * are strings.
 *
 * @since 0.1
 */
@Evolving
public final class JsonLines {
    private JsonLines() {}

    /**
     * Writes a run to a file, making its directory if needed.
     *
     * @throws IOException if it cannot be written
     */
    public static void write(ConformanceReport report, Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add(header(report));
        report.results()
                .forEach(result -> lines.add(line(result, report.smallest().get(result.kase().name()))));
        Parents.make(file);
        Files.write(file, lines);
    }

    private static String header(ConformanceReport report) {
        JsonObject header = new JsonObject();
        header.addProperty("backend", report.backend());
        header.addProperty("version", report.version());
        header.addProperty("device", Provenance.device(report));
        header.addProperty("seed", report.seed());
        header.addProperty("fresh_seed", report.options().freshSeed());
        header.addProperty("budget", report.options().budget().toString());
        header.addProperty("left_out", report.leftOut().values().stream().mapToInt(Integer::intValue).sum());
        header.addProperty("kit", Provenance.kit());
        header.addProperty("java", Provenance.java());
        header.addProperty("cases", report.results().size());
        header.addProperty("passed", report.count(Outcome.PASSED));
        header.addProperty("failed", report.count(Outcome.FAILED));
        header.addProperty("not_declared", report.count(Outcome.NOT_DECLARED));
        header.addProperty("succeeded", report.succeeded());
        return header.toString();
    }

    private static String line(CaseResult result, @Nullable CaseResult smaller) {
        if (smaller == null) {
            return line(result);
        }
        JsonObject json = JsonParser.parseString(line(result)).getAsJsonObject();
        json.addProperty("smallest", smaller.kase().name());
        json.addProperty("smallest_message", smaller.message());
        return json.toString();
    }

    /** Returns one case as a line without its line break. */
    public static String line(CaseResult result) {
        JsonObject json = new JsonObject();
        json.addProperty("case", result.kase().name());
        json.addProperty("rule", result.kase().rule());
        json.addProperty("numeric", result.kase().numeric());
        json.addProperty("outcome", result.outcome().name());
        json.addProperty("message", result.message());
        json.addProperty("nanos", result.nanos());
        ErrorStats errors = result.errors();
        if (errors != null) {
            number(json, "max_error", errors.maxError());
            number(json, "max_error_bound", errors.maxBound());
            number(json, "mean_error", errors.meanError());
            number(json, "mean_error_bound", errors.meanBound());
            number(json, "lse_error", errors.lseError());
        }
        return json.toString();
    }

    private static void number(JsonObject json, String name, double value) {
        if (Double.isFinite(value)) {
            json.addProperty(name, value);
        } else {
            json.addProperty(name, Double.toString(value));
        }
    }

    /**
     * Reads a line that {@link #line} made. The case has no body any more: running it fails.
     *
     * @throws IllegalArgumentException if the line is not one of a case
     */
    public static CaseResult read(String line) {
        try {
            JsonObject json = JsonParser.parseString(line).getAsJsonObject();
            String name = json.get("case").getAsString();
            ConformanceCase kase = new ConformanceCase(
                    json.get("rule").getAsString(), name, json.get("numeric").getAsBoolean(), kit -> {
                        throw new ConformanceFailure(
                                name + " was read from a report; derive it from its rule to run it");
                    });
            JsonElement max = json.get("max_error");
            ErrorStats errors = max == null
                    ? null
                    : new ErrorStats(
                            max.getAsDouble(),
                            json.get("max_error_bound").getAsDouble(),
                            json.get("mean_error").getAsDouble(),
                            json.get("mean_error_bound").getAsDouble(),
                            json.get("lse_error").getAsDouble());
            return new CaseResult(
                    kase,
                    Outcome.valueOf(json.get("outcome").getAsString()),
                    json.get("message").getAsString(),
                    json.get("nanos").getAsLong(),
                    errors);
        } catch (RuntimeException e) { // Gson has one exception for each way in which a text is not what was expected
            throw new IllegalArgumentException("not a case as JSON: " + line, e);
        }
    }
}
