package dev.heddle.cli;

import static dev.heddle.cli.safetensors.StoredType.BF16;
import static dev.heddle.cli.safetensors.StoredType.F16;
import static dev.heddle.cli.safetensors.StoredType.F32;
import static dev.heddle.cli.safetensors.StoredType.I32;
import static dev.heddle.cli.safetensors.StoredType.I64;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are sound and wrong as cases. The right one: 5 pages of 4 tokens; requests 1x6, 3x9, 1x0. */
class BadCaseFileTest {
    @TempDir
    Path directory;

    static Stream<Arguments> wrongs() {
        return Stream.of(
                wrong("q of integers", c -> c.zeros("q", I32, 5, 4, 8), "'q'"),
                wrong("kv_indptr of floats", c -> c.zeros("kv_indptr", F32, 4), "'kv_indptr'"),
                wrong("kv_indices of 64 bits", c -> c.zeros("kv_indices", I64, 5), "'kv_indices'"),
                wrong("kv_last_page_len of two dimensions", c -> c.zeros("kv_last_page_len", I32, 3, 1),
                        "'kv_last_page_len'"),
                wrong("out of f16", c -> c.zeros("out", F16, 5, 4, 8), "'out'"),
                wrong("lse of bf16", c -> c.zeros("lse", BF16, 5, 4), "'lse'"),
                wrong("q flat", c -> c.zeros("q", F32, 5, 32), "'q'"),
                wrong("k_cache without pages", c -> c.zeros("k_cache", F32, 20, 2, 8), "'k_cache'"),
                wrong("v_cache of another rank", c -> c.zeros("v_cache", F32, 5, 4, 2, 8, 1), "'v_cache'"),
                wrong("q of another head dim", c -> c.zeros("q", F32, 5, 4, 16), "head_dim_qk"),
                wrong("q with a row too many", c -> c.zeros("q", F32, 6, 4, 8), "6 rows"),
                wrong("q with heads that KV heads do not divide", c -> c.zeros("q", F32, 5, 5, 8), "5"),
                wrong("q without heads", c -> c.zeros("q", F32, 5, 0, 8), "0"),
                wrong("no KV heads",
                        c -> c.zeros("k_cache", F32, 5, 4, 0, 8).zeros("v_cache", F32, 5, 4, 0, 8),
                        "0"),
                wrong("v_cache with a page less", c -> c.zeros("v_cache", F32, 4, 4, 2, 8), "pages"),
                wrong("v_cache with larger pages", c -> c.zeros("v_cache", F32, 5, 8, 2, 8), "page_size"),
                wrong("v_cache with more heads", c -> c.zeros("v_cache", F32, 5, 4, 4, 8), "num_kv_heads"),
                wrong("pages of no tokens",
                        c -> c.zeros("k_cache", F32, 5, 0, 2, 8).zeros("v_cache", F32, 5, 0, 2, 8)
                                .metadata("page_size", "0"),
                        "page_size"),
                wrong("out with a row less", c -> c.zeros("out", F32, 4, 4, 8), "'out'"),
                wrong("out of another head dim", c -> c.zeros("out", F32, 5, 4, 4), "head_dim_vo"),
                wrong("lse of fewer heads", c -> c.zeros("lse", F32, 5, 2), "'lse'"),
                wrong("qo_indptr that starts late", c -> c.ints("qo_indptr", 1, 1, 4, 5), "qo_indptr"),
                wrong("qo_indptr that falls", c -> c.ints("qo_indptr", 0, 4, 1, 5), "qo_indptr"),
                wrong("qo_indptr that ends early", c -> c.ints("qo_indptr", 0, 1, 4, 4), "qo_indptr"),
                wrong("qo_indptr of another batch", c -> c.ints("qo_indptr", 0, 1, 5), "qo_indptr"),
                wrong("qo_indptr of nothing", c -> c.ints("qo_indptr"), "qo_indptr"),
                wrong("kv_indptr of nothing", c -> c.ints("kv_indptr"), "kv_indptr"),
                wrong("kv_indptr that starts late", c -> c.ints("kv_indptr", 1, 2, 5, 5), "kv_indptr"),
                wrong("kv_indptr that falls", c -> c.ints("kv_indptr", 0, 3, 2, 5), "kv_indptr"),
                wrong("kv_indptr past the indices", c -> c.ints("kv_indptr", 0, 2, 6, 6), "kv_indices"),
                wrong("kv_indptr below zero", c -> c.ints("kv_indptr", 0, -2, 5, 5), "kv_indptr"),
                wrong("a page that is not in the pool", c -> c.ints("kv_indices", 0, 1, 2, 3, 5), "5"),
                wrong("a page below zero", c -> c.ints("kv_indices", 0, -1, 2, 3, 4), "-1"),
                wrong("a page far outside", c -> c.ints("kv_indices", 0, Integer.MAX_VALUE, 2, 3, 4),
                        "2147483647"),
                wrong("a last page of 0 tokens", c -> c.ints("kv_last_page_len", 0, 1, 0),
                        "kv_last_page_len"),
                wrong("a last page that is over-full", c -> c.ints("kv_last_page_len", 2, 5, 0),
                        "kv_last_page_len"),
                wrong("a last page below zero", c -> c.ints("kv_last_page_len", 2, -1, 0),
                        "kv_last_page_len"),
                wrong("tokens in no page", c -> c.ints("kv_last_page_len", 2, 1, 3), "kv_last_page_len"),
                wrong("a last page too few", c -> c.ints("kv_last_page_len", 2, 1), "kv_last_page_len"));
    }

    static Stream<Arguments> wrongWords() {
        return Stream.of(
                word("causal", "maybe"), word("causal", "1"), word("sm_scale", "x"),
                word("sm_scale", "Infinity"),
                word("sm_scale", "NaN"), word("logits_soft_cap", "-30"), word("logits_soft_cap", "NaN"),
                word("window_left", "1.5"), word("window_left", "NaN"), word("window_left", "-7"),
                word("window_left", "99999999999"), word("page_size", "5"), word("page_size", "four"),
                word("dtype", "bf16"), word("dtype", "f31"), word("kv_layout", "DHN"), word("k_scale", "NaN"),
                word("k_scale", "one"), word("v_scale", "1e99"));
    }

    private static Arguments wrong(String name, Consumer<CaseMaker> change, String word) {
        return Arguments.of(name, change, word);
    }

    private static Arguments word(String key, String value) {
        return Arguments.of(key, value);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("wrongs")
    void wrongTensors(String name, Consumer<CaseMaker> change, String word) throws IOException {
        CaseMaker maker = CaseMaker.small();
        change.accept(maker);
        refused(maker, word);
    }

    @ParameterizedTest(name = "{0} = {1}")
    @MethodSource("wrongWords")
    void wrongMetadata(String key, String value) throws IOException {
        String named = switch (key) { // where the spec refuses, it says so in its own terms
            case "sm_scale" -> "s";
            case "logits_soft_cap" -> "oft";
            case "k_scale", "v_scale" -> "cale";
            default -> key;
        };
        refused(CaseMaker.small().metadata(key, value), named);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"q", "k_cache", "v_cache", "qo_indptr", "kv_indptr", "kv_indices", "kv_last_page_len"})
    void missingTensors(String name) throws IOException {
        refused(CaseMaker.small().remove(name), "'" + name + "' is missing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"out", "lse"})
    void halfAnAnswer(String name) throws IOException {
        refused(CaseMaker.small().remove(name), "'" + name + "' is missing");
    }

    @Test
    void aSoundFileBeforeTheBrokenOneDoesNotHideIt() throws IOException {
        String sound = CaseMaker.small().write(directory.resolve("sound.safetensors"));
        String broken = CaseMaker.small().remove("q").write(directory.resolve("broken.safetensors"));
        Cli.run("run", "--case", sound, broken, "--verify", "--json").exits(2).saysJson("BAD_INPUT", broken,
                "'q'");
    }

    @Test
    void debugPrintsTheStackTrace() throws IOException {
        String file = CaseMaker.small().remove("q").write(directory.resolve("wrong.safetensors"));
        Cli answer = Cli.run("run", "--case", file, "--debug").exits(2);
        assertEquals("", answer.out());
        assertTrue(answer.err().contains("\tat dev.heddle.cli."), answer.err());
        assertTrue(answer.err().lines().anyMatch(line -> line.startsWith("heddle: " + file)), answer.err());
    }

    @Test
    void filesThatCannotBeRead() throws IOException {
        String absent = directory.resolve("absent.safetensors").toString();
        Cli.run("run", "--case", absent).exits(2).says(absent, "no such file");
        Cli.run("run", "--case", directory.toString()).exits(2).says(directory.toString());
        Path empty = Files.createFile(directory.resolve("empty.safetensors"));
        Cli.run("run", "--case", empty.toString()).exits(2).says(empty.toString(), "8 bytes");
        Cli.run("run", "--case", absent, "--json").exits(2).saysJson("BAD_INPUT", absent, "no such file");
    }

    @Test
    void nothingIsDumpedOfABrokenCase() throws IOException {
        Path dump = directory.resolve("dump");
        String file = CaseMaker.small().ints("kv_indices", 0, 1, 2, 3, 99)
                .write(directory.resolve("wrong.safetensors"));
        Cli.run("run", "--case", file, "--dump", dump.toString()).exits(2);
        assertTrue(Files.notExists(dump));
    }

    private void refused(CaseMaker maker, String word) throws IOException {
        String file = maker.write(directory.resolve("wrong.safetensors"));
        for (List<String> flags : List.of(List.<String>of(), List.of("--verify"))) {
            String[] command =
                    Stream.concat(Stream.of("run", "--case", file), flags.stream()).toArray(String[]::new);
            Cli.run(command).exits(2).says("heddle: " + file + ": ", word);
        }
        Cli.run("run", "--case", file, "--json").exits(2).saysJson("BAD_INPUT", file + ": ", word);
    }
}
