package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConformanceCommandTest {
    @TempDir
    Path directory;

    @Test
    void chapter1PassesAndWritesItsReports() throws IOException {
        Path report = directory.resolve("report");
        JsonObject document =
                Cli.run("conformance", "--backend", "cpu", "--rules", "1.*", "--json", "--report",
                        report.toString()).exits(0).json();
        assertEquals("cpu", document.get("backend").getAsString());
        assertEquals(42, document.get("seed").getAsLong());
        int cases = document.get("cases").getAsInt();
        assertTrue(cases > 0);
        assertEquals(0, document.get("failed").getAsInt());
        int counted = 0;
        for (JsonElement one : document.getAsJsonArray("rules")) {
            JsonObject rule = one.getAsJsonObject();
            assertTrue(rule.get("rule").getAsString().startsWith("1."), rule::toString);
            counted += rule.get("passed").getAsInt() + rule.get("not_declared").getAsInt();
        }
        assertEquals(cases, counted);

        List<String> lines = Files.readAllLines(report.resolve("cases.jsonl"));
        assertTrue(lines.size() >= cases);
        lines.forEach(line -> assertTrue(JsonParser.parseString(line).isJsonObject(), line));
        assertTrue(Files.readString(report.resolve("junit.xml")).contains("<testsuite"));
        assertTrue(Files.readString(report.resolve("index.html")).contains("</html>"));
    }

    @Test
    void theTextEndsWithAVerdictAndTheReportsPlace() {
        Cli answer = Cli.run("conformance", "--rules", "1.01").exits(0);
        assertTrue(answer.out().contains("1.01"), answer.out());
        assertEquals("", answer.err());
    }

    @Test
    void aCaseThatWasNamedRunsAlone() throws IOException {
        Path report = directory.resolve("report");
        Cli.run("conformance", "--rules", "1.0*", "--report", report.toString()).exits(0);
        String name = Files.readAllLines(report.resolve("cases.jsonl")).stream().map(JsonParser::parseString)
                .map(JsonElement::getAsJsonObject).filter(line -> line.has("case"))
                .map(line -> line.get("case").getAsString()).findFirst().orElseThrow();
        JsonObject one = Cli.run("conformance", "--case", name, "--json").exits(0).json();
        assertEquals(1, one.get("cases").getAsInt());
    }

    /** One chapter of the self-test, which the kit's own tests and CI run whole. */
    @Test
    void theSelfTestCatchesTheSaboteursOfAChapter() {
        JsonObject document =
                Cli.run("conformance", "--self-test", "--rules", "3.01", "--json").exits(0).json();
        assertEquals(1, document.get("rules").getAsInt());
        assertEquals(0, document.getAsJsonArray("missed").size(), document::toString);
        assertEquals(document.get("saboteurs").getAsInt(), document.get("caught").getAsInt());
        assertEquals(4, document.get("saboteurs").getAsInt());
        JsonObject crash = document.getAsJsonObject("crash");
        assertEquals(5, crash.get("cases").getAsInt());
        assertEquals(2, crash.get("crashed").getAsInt());
        assertEquals(0, crash.get("lost").getAsInt());
        assertTrue(crash.get("seconds").getAsDouble() > 0);
        Cli.run("conformance", "--self-test", "--rules", "9.*").exits(2).says("9.*");
    }

    @Test
    void theTableOfSaboteursIsPrinted() {
        String table = Cli.run("conformance", "--saboteurs").exits(0).out();
        assertTrue(table.contains("| 3.02 | lse-in-base-2 |"), table);
        Cli.run("conformance", "--self-test", "--saboteurs").exits(2).says("--self-test", "--saboteurs");
    }

    @Test
    void aRandomShapeIsRunByItsNameAndABadOneIsNone() {
        String name = "2.02/g5-d24x40-p3-f16-kint8-headscale-h2-hnd-causal-q2+1-kv9+30/seed77";
        JsonObject one = Cli.run("conformance", "--case", name, "--json").exits(0).json();
        assertEquals(1, one.get("passed").getAsInt());
        assertEquals(77, one.get("seed").getAsInt());
        Cli.run("conformance", "--case", "2.02/g5-d24-nonsense/seed77").exits(2).says("nonsense");
    }

    @Test
    void budgetsAreCountedOrTimed() {
        JsonObject few =
                Cli.run("conformance", "--rules", "3.02", "--budget", "2/rule", "--json").exits(0).json();
        assertEquals(2, few.get("cases").getAsInt());
        assertEquals("2/rule", few.get("budget").getAsString());
        Cli.run("conformance", "--budget", "much").exits(2).says("60s, 10m", "'much'");
        JsonObject seeded =
                Cli.run("conformance", "--rules", "2.07", "--seed", "5", "--json").exits(0).json();
        assertEquals(5, seeded.get("seed").getAsLong());
        assertEquals(5, seeded.get("fresh_seed").getAsLong());
    }

    @Test
    void severalSeedsAreRunsOfTheirOwn() throws IOException {
        Path report = directory.resolve("report");
        JsonObject both = Cli.run("conformance", "--rules", "3.02", "--budget", "2/rule", "--seed", "8",
                "--seeds", "2", "--report", report.toString(), "--json").exits(0).json();
        assertEquals(4, both.get("cases").getAsInt());
        assertEquals(4, both.getAsJsonArray("rules").get(0).getAsJsonObject().get("passed").getAsInt());
        List<Long> seeds = both.getAsJsonArray("seeds").asList().stream()
                .map(seed -> seed.getAsJsonObject().get("seed").getAsLong()).toList();
        assertEquals(List.of(8L, 9L), seeds);
        assertTrue(Files.readString(report.resolve("seed-9/cases.jsonl")).contains("/seed9"));
        String words = Cli.run("conformance", "--rules", "3.02", "--budget", "2/rule", "--seeds", "2")
                .exits(0).out();
        assertTrue(words.contains("seed 43: cpu conforms") && words.contains("2 seeds: 4 cases, 0 failed"),
                words);
        Cli.run("conformance", "--seeds", "0").exits(2).says("1 or more");
        Cli.run("conformance", "--case", "3.02/x/seed1", "--seeds", "2").exits(2).says("--case");
    }

    @Test
    void rulesThatAreNoneExit2() throws IOException {
        Path report = directory.resolve("report");
        Cli.run("conformance", "--rules", "9.*", "--report", report.toString()).exits(2).says("9.*", "cpu");
        Cli.run("conformance", "--rules", "9.*", "--json").exits(2).saysJson("BAD_INPUT", "9.*");
        Cli.run("conformance", "--case", "3.01/none/seed42").exits(2).says("3.01/none/seed42");
        Cli.run("conformance", "--case", "nonsense").exits(2).says("nonsense");
        assertTrue(Files.notExists(report));
    }
}
