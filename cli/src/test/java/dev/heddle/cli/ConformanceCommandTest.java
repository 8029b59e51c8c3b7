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
