package dev.heddle.cli.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.command.CommonFlags;
import dev.heddle.cli.input.BenchShape;
import dev.heddle.core.attention.Determinism;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a benchmark has found so far, told as it comes and kept for the document. */
final class BenchReport {
    private final CommonFlags common;
    private final List<BenchRow> rows = new ArrayList<>();
    private final JsonArray json = new JsonArray();
    private final JsonArray skipped = new JsonArray();
    private @Nullable RuntimeException refusal;

    BenchReport(CommonFlags common) {
        this.common = common;
    }

    void add(BenchRow row, @Nullable HostCost cost) {
        rows.add(row);
        JsonObject one = row.json();
        say(row.line());
        if (cost != null) {
            cost.addTo(one);
            say(cost.line(row.impl()));
        }
        json.add(one);
    }

    /** A row that a backend refused: if nothing at all is timed, that is the answer. */
    void refuse(String backend, BenchShape shape, RuntimeException why) {
        refusal = why;
        skip(backend, shape, String.valueOf(why.getMessage()));
    }

    void skip(String impl, BenchShape shape, String why) {
        say(String.format(Locale.ROOT, "%-14s %-6s D%-4d %-4s %-9s page %-3d %-11s skipped: %s", impl,
                shape.heads(), shape.headDim(), shape.dtype(), shape.kvDtype(), shape.pageSize(),
                shape.batch(),
                why.lines().reduce((a, b) -> b.strip()).orElse("")));
        JsonObject one = new JsonObject();
        one.addProperty("impl", impl);
        one.addProperty("heads", shape.heads());
        one.addProperty("batch", shape.batch());
        one.addProperty("kv_dtype", shape.kvDtype());
        one.addProperty("message", why);
        skipped.add(one);
    }

    /** Prints a line for people. */
    void say(String line) {
        if (!common.json()) {
            common.out().println(line);
            common.out().flush();
        }
    }

    /** Returns the rows that were timed. */
    List<BenchRow> rows() {
        return List.copyOf(rows);
    }

    /** Throws the last refusal if nothing was timed: that is no success. */
    void requireRows() {
        if (rows.isEmpty() && refusal != null) {
            throw refusal;
        }
    }

    /** Prints the document if one was asked for. */
    void print(JsonObject limits, Determinism determinism) {
        if (common.json()) {
            JsonObject document = new JsonObject();
            document.add("limits", limits);
            document.addProperty("determinism", DeterminismConverter.word(determinism));
            document.add("rows", json);
            document.add("skipped", skipped);
            common.print(document);
        }
    }
}
