package dev.heddle.conformance.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ErrorStats;
import dev.heddle.conformance.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;

class ReportsTest {
    private final ConformanceReport report = Reports.mixed();

    @TempDir
    private Path directory;

    @Test
    void junitXmlIsWellFormedAndCountsWhatItHolds() throws Exception {
        Path file = directory.resolve("new/folder/report.xml");
        JunitXml.write(report, file);
        Element suite = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(file.toFile())
                .getDocumentElement();
        assertEquals(String.valueOf(report.results().size()), suite.getAttribute("tests"));
        assertEquals(report.results().size(), suite.getElementsByTagName("testcase").getLength());
        assertEquals("1", suite.getAttribute("failures"));
        assertEquals("1", suite.getAttribute("skipped"));
        assertEquals(1, suite.getElementsByTagName("skipped").getLength());
        Element failure = (Element) suite.getElementsByTagName("failure").item(0);
        assertTrue(failure.getTextContent().contains("& should be <0.5>"), failure.getTextContent());
        assertTrue(failure.getTextContent().contains("--case '3.01/g7-d128-p16-bf16-far/seed42'"));
        Element first = (Element) suite.getElementsByTagName("testcase").item(0);
        assertEquals("0.001500", first.getAttribute("time"));
    }

    @Test
    void jsonLinesHoldOneCaseEachAfterAHeader() throws Exception {
        Path file = directory.resolve("report.jsonl");
        JsonLines.write(report, file);
        List<String> lines = Files.readAllLines(file);
        assertEquals(report.results().size() + 1, lines.size());
        JsonObject header = JsonParser.parseString(lines.getFirst()).getAsJsonObject();
        assertEquals("fake", header.get("backend").getAsString());
        assertEquals(1, header.get("failed").getAsInt());
        assertFalse(header.get("succeeded").getAsBoolean());
        for (int i = 0; i < report.results().size(); i++) {
            CaseResult written = report.results().get(i);
            CaseResult read = JsonLines.read(lines.get(i + 1));
            assertEquals(written.kase().name(), read.kase().name());
            assertEquals(written.kase().numeric(), read.kase().numeric());
            assertEquals(written.outcome(), read.outcome());
            assertEquals(written.message(), read.message());
            assertEquals(written.nanos(), read.nanos());
            assertEquals(written.errors(), read.errors());
        }
    }

    @Test
    void aLineThatIsNoCaseIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> JsonLines.read("{\"rule\":3}"));
        assertThrows(IllegalArgumentException.class, () -> JsonLines.read("nothing"));
    }

    @Test
    void pageIsSelfContainedAndEscaped() throws Exception {
        Path file = directory.resolve("report.html");
        HtmlPage.write(report, file);
        String page = Files.readString(file);
        assertFalse(page.contains("<script"), "no scripts");
        assertFalse(Pattern.compile("(src|href)\\s*=|url\\(|@import").matcher(page).find(),
                "nothing from elsewhere");
        assertTrue(page.contains("&amp; should be &lt;0.5&gt; &quot;quoted&quot;"), page);
        assertTrue(page.contains(
                "./heddle conformance --backend fake --case &#39;3.01/g7-d128-p16-bf16-far/seed42&#39;"));
        assertTrue(page.contains("Errors stay within those of a reference &amp; no more."));
        assertTrue(page.contains("prefers-color-scheme: dark"));
        assertFalse(page.contains("{}"), "every placeholder is filled");
    }

    @Test
    void heatMapShowsFailedBeforePassedBeforeRefused() throws Exception {
        Path file = directory.resolve("report.html");
        HtmlPage.write(report, file);
        String page = Files.readString(file);
        assertTrue(page.contains("<td class=\"fail\" title=\"group size 7, head dim 128: 3 passed, 1 failed"),
                page);
        assertTrue(page.contains("<td class=\"refused\" title=\"group size 3, head dim 128"), page);
        assertTrue(page.contains("<td class=\"pass\" title=\"group size 7, head dim 64"), page);
        assertTrue(page.contains("dtype bf16 k:fp8_e4m3, page size"), page);
    }

    @Test
    void whatLiesOutsideTheDeclarationIsNotDeclaredEverywhere() throws Exception {
        Path file = directory.resolve("report.html");
        HtmlPage.write(report, file);
        String page = Files.readString(file);
        assertTrue(page.contains("class=\"outside\" title=\"3 is not declared\""), page);
        assertTrue(
                page.contains("<td class=\"undeclared\" title=\"group size 3, head dim 64: not declared\">"),
                page);
        assertTrue(page.contains("title=\"dtype f32, page size 16"), page);
    }

    /** A random shape of group size 37 counts where its row is, and makes none. */
    @Test
    void randomShapesMakeNoRows() throws Exception {
        Path file = directory.resolve("report.html");
        HtmlPage.write(report, file);
        String page = Files.readString(file);
        assertFalse(page.contains(">37</th>"), page);
        assertTrue(page.contains("group size 16, head dim 64: 4 passed"), page);
    }

    @Test
    void theSmallestCaseStandsBesideTheFailure() throws Exception {
        String smallest = "--case '3.01/g1-d1-p1-bf16-h1-q1-kv1/seed42'";
        Path file = directory.resolve("report.html");
        HtmlPage.write(report, file);
        assertTrue(Files.readString(file).contains(Html.escape(smallest)));
        JunitXml.write(report, directory.resolve("report.xml"));
        assertTrue(Files.readString(directory.resolve("report.xml")).contains(smallest));
        JsonLines.write(report, directory.resolve("report.jsonl"));
        assertTrue(Files.readString(directory.resolve("report.jsonl"))
                .contains("\"smallest\":\"3.01/g1-d1-p1-bf16-h1-q1-kv1/seed42\""));
    }

    @Test
    void everyFormSaysWhatWasLeftOutAndTheFreshSeed() throws Exception {
        String fresh = String.valueOf(report.options().freshSeed());
        Path file = directory.resolve("report.html");
        HtmlPage.write(report, file);
        String page = Files.readString(file);
        assertTrue(page.contains("which left out 12 derived cases") && page.contains(fresh), page);
        Path lines = directory.resolve("report.jsonl");
        JsonLines.write(report, lines);
        JsonObject header = JsonParser.parseString(Files.readAllLines(lines).getFirst()).getAsJsonObject();
        assertEquals(12, header.get("left_out").getAsInt());
        assertEquals(report.options().freshSeed(), header.get("fresh_seed").getAsLong());
    }

    @Test
    void histogramCountsNanBeyondTheBound() {
        Histogram histogram = new Histogram(report.results(), ErrorStats::strain);
        Html html = new Html();
        histogram.write(html, "error");
        assertEquals(38, histogram.total());
        assertTrue(html.toString().contains("4, 5, 4, 4, 4, 4, 4, 4, 4, 0, 1]"), html.toString());
    }

    @Test
    void shapeValuesAreReadFromNames() {
        assertEquals(Optional.of("7"), ShapeValues.value("g7-d192x128-p16-bf16-q1-kv64+9", 'g'));
        assertEquals(Optional.of("192x128"), ShapeValues.value("g7-d192x128-p16-bf16-q1", 'd'));
        assertEquals(Optional.of("f32 k:int8"), ShapeValues.dtype("g1-d8-p1-f32-kint8-h2"));
        assertEquals(Optional.of("9"), ShapeValues.value("dtype-bf16-f32-g9-d8-p1-int8-h2", 'g'));
        assertEquals(Optional.of("int8"), ShapeValues.dtype("dtype-bf16-f32-g9-d8-p1-int8-h2"));
        assertEquals(Optional.empty(), ShapeValues.value("not-declared", 'p'));
        assertEquals(Optional.empty(), ShapeValues.dtype("service-loader"));
    }

    @Test
    void anEmptyRunStillMakesAPage() throws Exception {
        ConformanceReport empty = new ConformanceReport(
                "none", "1", null, report.options(), report.claims(), List.of());
        Path file = directory.resolve("empty.html");
        HtmlPage.write(empty, file);
        assertTrue(Files.readString(file).contains("No case compared numbers."));
        assertEquals(0, empty.count(Outcome.PASSED));
        assertNotNull(empty.verdict());
    }
}
