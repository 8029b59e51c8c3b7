package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlanCommandTest {
    private static final List<String> QWEN2 =
            List.of("--heads", "28/4", "--head-dim", "128", "--dtype", "bf16",
                    "--page-size", "16", "--batch", "64*1x8192");

    @TempDir
    Path directory;

    private Cli withFewGroups(String command, String... more) throws IOException {
        String[] all = Stream.of(Stream.of(command), QWEN2.stream(), Stream.of(more)).flatMap(s -> s)
                .toArray(String[]::new);
        return FewGroupsBackend.onTheClassPath(directory, () -> Cli.run(all));
    }

    @Test
    void everyBackendIsExplained() throws IOException {
        JsonObject plan = withFewGroups("plan", "--json").exits(0).json();
        assertEquals("cpu", plan.get("chosen").getAsString().replace("cpu-native", "cpu")); // gcc or none
        JsonObject cpu = candidate(plan, "cpu");
        assertTrue(cpu.get("eligible").getAsBoolean());
        assertTrue(cpu.get("estimate_us").getAsDouble() > 0);
        assertFalse(cpu.getAsJsonObject("terms").isEmpty());
        assertTrue(cpu.getAsJsonArray("rejections").isEmpty());

        JsonObject few = candidate(plan, "few-groups");
        assertFalse(few.get("eligible").getAsBoolean());
        groupSizeIsRejected(few.getAsJsonArray("rejections"));
    }

    @Test
    void pinningTheRejectedOneExits3InTheSameWords() throws IOException {
        JsonArray rejections = candidate(withFewGroups("plan", "--json").json(), "few-groups")
                .getAsJsonArray("rejections");
        String words = rejection(rejections).get("message").getAsString();

        Cli json = withFewGroups("plan", "--backend", "few-groups", "--json").exits(3);
        json.saysJson("UNSUPPORTED", words);
        groupSizeIsRejected(json.json().getAsJsonObject("error").getAsJsonArray("rejections"));

        Cli plain = withFewGroups("plan", "--backend", "few-groups").exits(3);
        assertTrue(plain.err().contains(words), plain.err());
        assertEquals("", plain.out());

        withFewGroups("run", "--backend", "few-groups", "--json").exits(3).saysJson("UNSUPPORTED", words);
    }

    @Test
    void inputsOfARequestThatIsRejectedAreNotMade() throws IOException {
        String[] command =
                "run --json --backend few-groups --page-size 1024 --batch 1000*1x1000000".split(" ");
        FewGroupsBackend.onTheClassPath(directory, () -> Cli.run(command)).exits(3)
                .saysJson("UNSUPPORTED", "group size 7"); // 2 TB of KV: making them would end otherwise
    }

    @Test
    void theTableShowsBoth() throws IOException {
        Cli answer = withFewGroups("plan").exits(0);
        assertTrue(answer.out().contains("cpu") && answer.out().contains("few-groups"), answer.out());
        assertTrue(answer.out().contains("group size 7 requested, {1,2,3,4,8} allowed"), answer.out());
    }

    @Test
    void theOtherTestsDoNotSeeTheMadeUpJar() {
        Cli answer = Cli.run("plan", "--json").exits(0);
        assertFalse(answer.out().contains("few-groups"), answer.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"plan", "run", "conformance", "bench", "calibrate"})
    void anUnknownBackendExits2AndListsThoseKnown(String command) {
        Cli.run(command, "--backend", "gpu-of-tomorrow").exits(2).says("gpu-of-tomorrow", "found: ", "cpu");
        Cli.run(command, "--backend", "gpu-of-tomorrow", "--json").exits(2)
                .saysJson("BAD_INPUT", "gpu-of-tomorrow", "found: ", "cpu");
    }

    @Test
    void whatNobodyCanRunExits3() {
        Cli.run("plan", "--head-dim", "1024", "--backend", "cpu", "--json").exits(3).saysJson("UNSUPPORTED",
                "1024");
        assertTrue(
                Cli.run("plan", "--head-dim", "1024", "--json").exits(3).json().get("chosen").isJsonNull());
        Cli.run("run", "--head-dim", "1024", "--batch", "1x8", "--json").exits(3).saysJson("UNSUPPORTED",
                "1024");
    }

    private static void groupSizeIsRejected(JsonArray rejections) {
        JsonObject rejection = rejection(rejections);
        assertEquals("7", rejection.get("requested").getAsString());
        assertEquals("{1,2,3,4,8}", rejection.get("allowed").getAsString());
        for (String field : List.of("code", "phase", "remedy", "message")) {
            assertFalse(rejection.get(field).getAsString().isBlank(), field);
        }
    }

    private static JsonObject rejection(JsonArray rejections) {
        List<JsonObject> found = rejections.asList().stream().map(JsonElement::getAsJsonObject)
                .filter(r -> r.get("dimension").getAsString().equals("group.size")).toList();
        assertEquals(1, found.size(), rejections::toString);
        return found.getFirst();
    }

    private static JsonObject candidate(JsonObject plan, String id) {
        return plan.getAsJsonArray("candidates").asList().stream().map(JsonElement::getAsJsonObject)
                .filter(c -> c.get("backend").getAsString().equals(id)).findFirst().orElseThrow();
    }
}
