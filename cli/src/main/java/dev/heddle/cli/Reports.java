package dev.heddle.cli;

import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.report.HtmlPage;
import dev.heddle.conformance.report.JsonLines;
import dev.heddle.conformance.report.JunitXml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes every form of a conformance report into one folder. */
final class Reports {
    private Reports() {}

    static void write(ConformanceReport report, Path directory) throws IOException {
        Files.createDirectories(directory);
        JunitXml.write(report, directory.resolve("junit.xml"));
        JsonLines.write(report, directory.resolve("cases.jsonl"));
        HtmlPage.write(report, directory.resolve("index.html"));
    }
}
