package dev.heddle.conformance.report;

import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.Outcome;
import dev.heddle.core.Evolving;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * A run as the XML that Surefire writes and CI servers read: one test suite, one test case for each case, with what
 * is not declared as skipped.
 *
 * @since 0.1
 */
@Evolving
public final class JunitXml {
    private static final double NANOS_PER_SECOND = 1e9;

    private final XMLStreamWriter xml;

    private JunitXml(XMLStreamWriter xml) {
        this.xml = xml;
    }

    /**
     * Writes a run to a file, making its directory if needed.
     *
     * @throws IOException if it cannot be written
     */
    public static void write(ConformanceReport report, Path file) throws IOException {
        Parents.make(file);
        try (Writer text = Files.newBufferedWriter(file)) {
            XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(text);
            new JunitXml(xml).suite(report);
            xml.close();
        } catch (XMLStreamException e) {
            throw new IOException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    private void suite(ConformanceReport report) throws XMLStreamException {
        long nanos = report.results().stream().mapToLong(CaseResult::nanos).sum();
        xml.writeStartDocument("UTF-8", "1.0");
        line();
        xml.writeStartElement("testsuite");
        xml.writeAttribute("name", "heddle conformance of " + clean(report.backend()));
        xml.writeAttribute("tests", String.valueOf(report.results().size()));
        xml.writeAttribute("failures", String.valueOf(report.count(Outcome.FAILED)));
        xml.writeAttribute("errors", "0");
        xml.writeAttribute("skipped", String.valueOf(report.count(Outcome.NOT_DECLARED)));
        xml.writeAttribute("time", seconds(nanos));
        line();
        xml.writeStartElement("properties");
        property("backend", report.backend());
        property("version", report.version());
        property("device", Provenance.device(report));
        property("seed", String.valueOf(report.seed()));
        property("fresh_seed", String.valueOf(report.options().freshSeed()));
        property("budget", Provenance.budget(report));
        property("kit", Provenance.kit());
        property("java", Provenance.java());
        property("verdict", report.verdict());
        xml.writeEndElement();
        line();
        for (CaseResult result : report.results()) {
            testCase(report, result);
        }
        xml.writeEndElement();
        line();
        xml.writeEndDocument();
    }

    private void property(String name, String value) throws XMLStreamException {
        line();
        xml.writeEmptyElement("property");
        xml.writeAttribute("name", name);
        xml.writeAttribute("value", clean(value));
    }

    private void testCase(ConformanceReport report, CaseResult result) throws XMLStreamException {
        xml.writeStartElement("testcase");
        xml.writeAttribute("classname", clean(report.backend()) + ".rule" + result.kase().rule());
        xml.writeAttribute("name", clean(result.kase().name()));
        xml.writeAttribute("time", seconds(result.nanos()));
        if (result.outcome() == Outcome.FAILED) {
            xml.writeStartElement("failure");
            xml.writeAttribute("message", clean(result.message()));
            xml.writeAttribute("type", "dev.heddle.conformance.ConformanceFailure");
            xml.writeCharacters(clean(result.message()) + "\n" + Provenance.command(report, result.kase())
                    + smallest(report, result));
            xml.writeEndElement();
        } else if (result.outcome() == Outcome.NOT_DECLARED) {
            xml.writeEmptyElement("skipped");
            xml.writeAttribute("message", clean(result.message()));
        }
        xml.writeEndElement();
        line();
    }

    private static String smallest(ConformanceReport report, CaseResult result) {
        CaseResult smaller = report.smallest().get(result.kase().name());
        return smaller == null ? ""
                : "\nsmallest: " + clean(smaller.message()) + "\n"
                        + Provenance.command(report, smaller.kase());
    }

    private void line() throws XMLStreamException {
        xml.writeCharacters("\n");
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.6f", nanos / NANOS_PER_SECOND);
    }

    /** XML 1.0 has no way to write control characters, and a message may quote any byte. */
    private static String clean(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints()
                .map(c -> c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xD7FF)
                        || (c >= 0xE000 && c <= 0xFFFD) || c >= 0x10000
                                ? c
                                : '\uFFFD')
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }
}
