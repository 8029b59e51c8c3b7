package dev.heddle.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.command.CommonFlags;
import dev.heddle.cli.input.Case;
import dev.heddle.cli.input.CaseFile;
import dev.heddle.cli.input.MadeUp;
import dev.heddle.cli.input.ShapeFlags;
import dev.heddle.cli.safetensors.SafetensorsWriter;
import dev.heddle.cli.safetensors.StoredTensor;
import dev.heddle.cli.safetensors.StoredType;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.Json;
import dev.heddle.planner.PlanReport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code heddle run}. */
@Command(name = "run",
        description = "Run a real model's geometry, or saved cases, on the best backend; verify and time it.")
final class RunCommand implements Callable<Integer> {
    @Mixin
    private CommonFlags common = new CommonFlags();

    @Mixin
    private ShapeFlags shape = new ShapeFlags();

    @Option(names = "--case", paramLabel = "FILE", arity = "1..*", description = "saved cases (safetensors)")
    private List<Path> cases = List.of();

    @Parameters(paramLabel = "FILE", arity = "0..*", hidden = true)
    private List<Path> moreCases = List.of();

    @Option(names = "--verify",
            description = "compare with the answer kept in the file; without files always done")
    private boolean verify;

    @Option(names = "--backend", paramLabel = "ID", description = "a backend, auto, or all (default: auto)",
            defaultValue = "auto")
    private String backend = "auto";

    @Option(names = "--millis", paramLabel = "N", defaultValue = "200",
            description = "how long to time each result; warming up takes longer (default: ${DEFAULT-VALUE})")
    private int millis = 200;

    @Option(names = "--dump", paramLabel = "DIR",
            description = "write NAME.BACKEND.safetensors with out and lse")
    private @Nullable Path dump;

    private final JsonArray results = new JsonArray();
    private @Nullable PlanReport report;
    private boolean failed;

    @Override
    public Integer call() throws IOException {
        List<Path> files = new ArrayList<>(cases);
        files.addAll(moreCases);
        if (millis < 1) {
            throw new IllegalArgumentException("--millis must be 1 or more, got " + millis);
        }
        try (Heddle heddle = common.heddle().open()) {
            if (files.isEmpty()) {
                AttentionSpec spec = shape.spec();
                var batch = MadeUp.batch(spec, shape.lengths(), shape.seed());
                for (String id : backends(heddle)) {
                    // Asked before inputs are made: what nobody can run should not fill gigabytes first.
                    new Runner(heddle, millis).require(spec, batch, id.equals("auto") ? null : id);
                    try (Case input = MadeUp.of("made-up", spec, batch, shape.seed())) {
                        run(heddle, input, id);
                    }
                }
            }
            for (Path file : files) {
                try (Case input = CaseFile.open(file)) {
                    for (String id : backends(heddle)) {
                        run(heddle, input, id);
                    }
                }
            }
        }
        if (common.json()) {
            JsonObject document = new JsonObject();
            document.add("results", results);
            document.add("plan", report == null ? null : Json.plan(report));
            common.print(document);
        }
        return failed ? Failures.CHECK_FAILED : 0;
    }

    private List<String> backends(Heddle heddle) {
        if (!backend.equals("all")) {
            return List.of(backend);
        }
        return heddle.backends().stream().filter(b -> b.status() == BackendReport.Status.AVAILABLE)
                .map(BackendReport::id).toList();
    }

    private void run(Heddle heddle, Case input, String id) throws IOException {
        boolean saved = input.answer() != null || verify;
        Runner.Result result = new Runner(heddle, millis).run(input, id.equals("auto") ? null : id);
        report = report == null ? result.report() : report;
        Verdict verdict = null;
        if (input.answer() != null && verify) {
            verdict = Verifier.againstAnswer(input, result.out(), result.lse());
        } else if (!saved || verify) {
            verdict = Verifier.againstOracle(input, result.out(), result.lse());
        }
        failed |= verdict != null && !verdict.holds();
        if (dump != null) {
            dump(input, result);
        }
        double gbytes = input.kvBytes() / (result.micros() * 1e3);
        if (common.json()) {
            results.add(json(input, result, verdict, gbytes));
        } else {
            print(input, result, verdict, gbytes);
        }
    }

    private void print(Case input, Runner.Result result, @Nullable Verdict verdict, double gbytes) {
        var out = common.out();
        if (cases.isEmpty() && moreCases.isEmpty()) {
            out.println(result.report().toTable());
            out.println();
        } else {
            out.println(input.name() + ": " + input.spec());
        }
        if (verdict != null) {
            out.println((verdict.holds() ? "  verified  " : "  WRONG     ") + verdict.coverage()
                    + String.format(Locale.ROOT, ": largest error %.2e of %.2e allowed, mean %.2e of %.2e",
                            verdict.maxError(), verdict.maxBound(), verdict.meanError(), verdict.meanBound())
                    + (Double.isNaN(verdict.lseError()) ? ""
                            : String.format(Locale.ROOT, ", LSE %.1e", verdict.lseError())));
            if (verdict.failure() != null) {
                common.err().println("heddle: case " + input.name() + " on " + result.backend() + ": "
                        + verdict.failure());
            }
        }
        out.println(String.format(Locale.ROOT,
                "  timed     %s on %s: %.3g ms a layer, %.1f GB/s of KV; plan %.0f µs",
                input.kvBytes() >= 1e6 ? String.format(Locale.ROOT, "%.0f MB of KV", input.kvBytes() / 1e6)
                        : String.format(Locale.ROOT, "%.0f KB of KV", input.kvBytes() / 1e3),
                result.backend(), result.micros() / 1e3, gbytes, result.planMicros()));
    }

    private static JsonObject json(Case input, Runner.Result result, @Nullable Verdict verdict,
            double gbytes) {
        JsonObject json = new JsonObject();
        json.addProperty("case", input.name());
        json.addProperty("backend", result.backend());
        json.addProperty("verified", verdict == null ? null : verdict.holds());
        number(json, "max_error", verdict == null ? Double.NaN : verdict.maxError());
        number(json, "max_error_bound", verdict == null ? Double.NaN : verdict.maxBound());
        number(json, "mean_error", verdict == null ? Double.NaN : verdict.meanError());
        number(json, "mean_error_bound", verdict == null ? Double.NaN : verdict.meanBound());
        number(json, "lse_error", verdict == null ? Double.NaN : verdict.lseError());
        number(json, "time_us", result.micros());
        number(json, "gbytes_per_s", gbytes);
        number(json, "plan_us", result.planMicros());
        json.addProperty("compared", verdict == null ? null : verdict.coverage());
        json.addProperty("failure", verdict == null ? null : verdict.failure());
        return json;
    }

    /** JSON has no infinity and no NaN: null says that there is no such number. */
    private static void number(JsonObject json, String name, double value) {
        json.addProperty(name, Double.isFinite(value) ? (Double) value : null);
    }

    private void dump(Case input, Runner.Result result) throws IOException {
        long rows = input.batch().totalQoLen();
        long heads = input.spec().numQoHeads();
        List<StoredTensor> tensors = new ArrayList<>();
        tensors.add(new StoredTensor("out", StoredType.F32,
                List.of(rows, heads, (long) input.spec().headDimVo()), bytes(result.out())));
        if (result.lse() != null) {
            tensors.add(new StoredTensor("lse", StoredType.F32, List.of(rows, heads), bytes(result.lse())));
        }
        SafetensorsWriter.write(
                dump.resolve(fileName(input.name()) + "." + result.backend() + ".safetensors"), tensors,
                Map.of("name", input.name(), "backend", result.backend(), "dtype",
                        input.spec().outDtype().id()));
    }

    /** A case's name comes from its file: it must not lead out of the folder that the user named. */
    private static String fileName(String name) {
        return name.replaceAll("[^A-Za-z0-9._-]+", "_");
    }

    private static MemorySegment bytes(float[] values) {
        byte[] bytes = new byte[values.length * Float.BYTES];
        MemorySegment.copy(MemorySegment.ofArray(values), 0, MemorySegment.ofArray(bytes), 0, bytes.length);
        return MemorySegment.ofArray(bytes);
    }
}
