package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.cli.safetensors.SafetensorsFile;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.tensor.DataType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Case files with an answer: a right one passes, one with a wrong value fails by name, row and head. */
class SavedCaseTest {
    private static final int HEADS = 14;
    private static final int HEAD_DIM = 16;

    @TempDir
    Path directory;

    static Stream<Arguments> cases() {
        return Stream.of(
                Arguments.of("g7-decode", spec(DataType.F32, 4), "2*1x11,1x0,1x4"),
                Arguments.of("g7-chunk", spec(DataType.F32, 3).causal(), "5x12,1x7"),
                Arguments.of("g7-bf16", spec(DataType.BF16, 1), "2*1x9"),
                Arguments.of("g7-f16-window", spec(DataType.F16, 16).causal().windowLeft(5), "4x40"),
                Arguments.of("g7-soft-cap", spec(DataType.F32, 64).logitsSoftCap(10), "1x70"));
    }

    private static AttentionSpecBuilder spec(DataType dtype, int pageSize) {
        return AttentionSpec.builder().numQoHeads(HEADS).numKvHeads(2).headDim(HEAD_DIM).dtype(dtype)
                .pageSize(pageSize);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void aRightAnswerPasses(String name, AttentionSpecBuilder spec, String batch) throws IOException {
        String file = CaseMaker.of(name, spec.build(), batch).write(directory.resolve("case.safetensors"));
        JsonObject result =
                only(Cli.run("run", "--millis", "1", "--backend", "cpu", "--case", file, "--verify", "--json")
                        .exits(0));
        assertEquals(name, result.get("case").getAsString());
        assertEquals("cpu", result.get("backend").getAsString());
        assertTrue(result.get("verified").getAsBoolean());
        assertTrue(result.get("failure").isJsonNull());
        assertTrue(result.get("max_error").getAsDouble() <= result.get("max_error_bound").getAsDouble());
        assertTrue(result.get("mean_error").getAsDouble() <= result.get("mean_error_bound").getAsDouble());
        assertTrue(result.get("max_error_bound").getAsDouble() > 0);
        assertTrue(result.get("lse_error").getAsDouble() <= 1e-3);
        assertTrue(result.get("time_us").getAsDouble() > 0);
        assertTrue(result.get("gbytes_per_s").getAsDouble() > 0);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void theLargestValueChangedBy5PercentFails(String name, AttentionSpecBuilder spec, String batch)
            throws IOException {
        CaseMaker maker = CaseMaker.of(name, spec.build(), batch);
        int largest = largest(maker.values("out"));
        int row = largest / (HEADS * HEAD_DIM);
        int head = largest / HEAD_DIM % HEADS;
        String file = maker.scale("out", largest, 1.05f).write(directory.resolve("case.safetensors"));

        Cli plain = Cli.run("run", "--millis", "1", "--case", file, "--verify").exits(1);
        assertEquals(1, plain.err().lines().count(), plain.err());
        for (String word : List.of("case " + name + " ", "row " + row + " ", "head " + head + " ")) {
            assertTrue(plain.err().contains(word), () -> word + "is missing in: " + plain.err());
        }
        assertTrue(plain.out().contains("WRONG"), plain.out());

        JsonObject result =
                only(Cli.run("run", "--millis", "1", "--case", file, "--verify", "--json").exits(1));
        assertFalse(result.get("verified").getAsBoolean());
        assertTrue(result.get("failure").getAsString().contains("row " + row + " head " + head + " "),
                result::toString);
        assertTrue(result.get("max_error").getAsDouble() > result.get("max_error_bound").getAsDouble());
    }

    @Test
    void aWrongLseFails() throws IOException {
        String file = CaseMaker.small().scale("lse", 6, 1.05f).write(directory.resolve("case.safetensors"));
        Cli answer = Cli.run("run", "--millis", "1", "--case", file, "--verify").exits(1);
        assertTrue(answer.err().contains("LSE of request 1 row 1 head 2 "), answer.err());
    }

    @Test
    void oneWrongFileOfSeveralFailsAndAllAreReported() throws IOException {
        CaseMaker wrong = CaseMaker.small().metadata("name", "wrong");
        wrong.scale("out", largest(wrong.values("out")), 1.05f);
        Cli answer = Cli.run("run", "--millis", "1", "--verify", "--json", "--case",
                CaseMaker.small().metadata("name", "first").write(directory.resolve("1.safetensors")),
                wrong.write(directory.resolve("2.safetensors")),
                CaseMaker.small().metadata("name", "third").write(directory.resolve("3.safetensors")))
                .exits(1);
        JsonArray results = answer.json().getAsJsonArray("results");
        assertEquals(List.of("first true", "wrong false", "third true"), results.asList().stream()
                .map(r -> r.getAsJsonObject().get("case").getAsString() + " "
                        + r.getAsJsonObject().get("verified").getAsBoolean())
                .toList());
    }

    @Test
    void theFilesOwnYardstickIsTaken() throws IOException {
        CaseMaker maker = CaseMaker.small().metadata("sdpa_err_max", "0.25").metadata("sdpa_err_mean", "0.5");
        JsonObject result = only(Cli.run("run", "--millis", "1", "--verify", "--json", "--case",
                maker.write(directory.resolve("case.safetensors"))).exits(0));
        assertEquals(0.5, result.get("max_error_bound").getAsDouble(), 1e-9); // twice the reference's
        assertEquals(0.75, result.get("mean_error_bound").getAsDouble(), 1e-9); // 1.5 times
    }

    @Test
    void withoutAnAnswerTheOracleIsAsked() throws IOException {
        String file =
                CaseMaker.small().remove("out").remove("lse").write(directory.resolve("case.safetensors"));
        JsonObject result =
                only(Cli.run("run", "--millis", "1", "--case", file, "--verify", "--json").exits(0));
        assertTrue(result.get("verified").getAsBoolean());
        assertEquals("all 3 requests, against fp64", result.get("compared").getAsString());
    }

    @Test
    void withoutVerifyNothingIsClaimed() throws IOException {
        CaseMaker wrong = CaseMaker.small();
        String file = wrong.scale("out", largest(wrong.values("out")), 2)
                .write(directory.resolve("case.safetensors"));
        JsonObject result = only(Cli.run("run", "--millis", "1", "--case", file, "--json").exits(0));
        assertTrue(result.get("verified").isJsonNull());
        assertTrue(result.get("max_error").isJsonNull());
    }

    @Test
    void theDumpHoldsTheResult() throws IOException {
        CaseMaker maker = CaseMaker.small();
        Path dump = directory.resolve("dump");
        Cli.run("run", "--millis", "1", "--backend", "cpu", "--case",
                maker.write(directory.resolve("case.safetensors")),
                "--dump",
                dump.toString())
                .exits(0);
        try (SafetensorsFile file = SafetensorsFile.open(dump.resolve("small.cpu.safetensors"))) {
            assertEquals(List.of(5L, 4L, 8L), file.tensor("out").shape());
            assertEquals(List.of(5L, 4L), file.tensor("lse").shape());
            assertEquals("cpu", file.metadata("backend", ""));
            assertNotEquals(0, file.tensor("out").data().get(ValueLayout.JAVA_INT_UNALIGNED, 0));
        }
    }

    @Test
    void aCasesNameCannotLeadTheDumpElsewhere() throws IOException {
        Path dump = directory.resolve("deep").resolve("dump");
        String file = CaseMaker.small().metadata("name", "../../else\nwhere").write(
                directory.resolve("case.safetensors"));
        Cli.run("run", "--millis", "1", "--case", file, "--dump", dump.toString()).exits(0);
        try (Stream<Path> written = Files.walk(directory)) {
            List<Path> files =
                    written.filter(Files::isRegularFile).filter(p -> !p.endsWith("case.safetensors"))
                            .toList();
            assertEquals(1, files.size(), files::toString);
            assertEquals(dump, files.getFirst().getParent());
        }
    }

    private static JsonObject only(Cli answer) {
        JsonArray results = answer.json().getAsJsonArray("results");
        assertEquals(1, results.size());
        return results.get(0).getAsJsonObject();
    }

    private static int largest(float[] values) {
        int at = 0;
        for (int i = 0; i < values.length; i++) {
            at = Math.abs(values[i]) > Math.abs(values[at]) ? i : at;
        }
        return at;
    }
}
