package dev.heddle.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import dev.heddle.conformance.Budget;
import dev.heddle.conformance.CaseRunner;
import dev.heddle.conformance.ConformanceReport;
import dev.heddle.conformance.ConformanceRun;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.Subject;
import dev.heddle.conformance.report.HtmlPage;
import dev.heddle.conformance.shrink.SmallestCases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a reader sees: everything there, nothing cut off, nothing fetched, readable in both colour schemes. */
class ReportPageTest {
    private static final double READABLE = 4.5; // WCAG 2.2, AA

    /** Contrast of an element's text with the nearest background that is no hole. */
    private static final String CONTRAST =
            """
                    element => {
                      const rgb = text => text.match(/[\\d.]+/g).map(Number);
                      const light = c => {
                        const [r, g, b] = c.slice(0, 3).map(v => v / 255)
                          .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                      };
                      let at = element, ground = [0, 0, 0, 0];
                      while (at && ground.length > 3 && ground[3] === 0) {
                        ground = rgb(getComputedStyle(at).backgroundColor);
                        at = at.parentElement;
                      }
                      const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground)].sort((x, y) => y - x);
                      return (a + 0.05) / (b + 0.05);
                    }""";

    @TempDir
    private static Path directory;

    private static Chromium chromium;
    private static ConformanceReport report;
    private static Path file;

    @BeforeAll
    static void writeReport() throws IOException {
        chromium = Chromium.open();
        Subject subject = Subject.of(new Abacus());
        KitOptions options = KitOptions.DEFAULT.withRules("2.02", "2.03", "2.07", "3.01", "3.02")
                .withBudget(new Budget(null, 40, 6));
        ConformanceReport run = ConformanceRun.run(subject, options, done -> {});
        try (CaseRunner runner = new CaseRunner(subject, options)) {
            report = SmallestCases.in(run, subject, runner::run);
        }
        file = directory.resolve("index.html");
        HtmlPage.write(report, file);
    }

    @AfterAll
    static void close() {
        if (chromium != null) {
            chromium.close();
        }
    }

    private static void look(int width, ColorScheme scheme, Consumer<Page> look) {
        try (BrowserContext context = chromium.browser().newContext(
                new Browser.NewContextOptions().setViewportSize(width, 900).setColorScheme(scheme))) {
            Page page = context.newPage();
            List<String> complaints = new ArrayList<>();
            page.onConsoleMessage(message -> complaints.add(message.text()));
            page.onPageError(complaints::add);
            page.onRequest(request -> {
                if (!request.url().equals(file.toUri().toString())) {
                    complaints.add("the page fetches " + request.url());
                }
            });
            page.navigate(file.toUri().toString());
            look.accept(page);
            assertEquals(List.of(), complaints);
        }
    }

    @Test
    void theHeaderSaysWhoWhereAndWithWhichSeeds() {
        look(1200, ColorScheme.LIGHT, page -> {
            assertEquals("abacus: Heddle conformance", page.title());
            assertTrue(page.locator(".verdict.no").isVisible());
            String header = page.locator("dl").innerText();
            for (String words : List.of("abacus 1.0 <beta>", report.device().name(), "42; random shapes "
                    + report.options().freshSeed(), "Heddle", "Java")) {
                assertTrue(header.contains(words), () -> words + " is missing in: " + header);
            }
        });
    }

    @Test
    void bothHeatMapsShowEachKindOfCell() {
        look(1200, ColorScheme.LIGHT, page -> {
            assertEquals(List.of("group size × head dim", "dtype × page size"),
                    page.locator("figure:has(.heat) figcaption").allInnerTexts());
            Locator first = page.locator(".heat").first();
            assertTrue(first.locator("td.fail").count() > 0);
            assertTrue(first.locator("td.refused").count() > 0);
            assertTrue(first.locator("td.undeclared").count() > 0);
            assertTrue(first.locator("td.fail").first().innerText().startsWith("✗ "));
            assertTrue(first.locator("td.refused").first().innerText().startsWith("⊘ "));
            assertNotEquals(colour(first.locator("td.fail").first()),
                    colour(first.locator("td.refused").first()));
            assertTrue(first.locator("th.outside").count() > 0);
        });
    }

    private static Object colour(Locator locator) {
        return locator.evaluate("e => getComputedStyle(e).backgroundColor");
    }

    @Test
    void eachFailureSaysHowToRunItAlone() {
        look(1200, ColorScheme.LIGHT, page -> {
            assertEquals(report.failures().size(), page.locator(".failure").count());
            String name = report.failures().getFirst().kase().name();
            Locator failure = page.locator(".failure").first();
            assertEquals("./heddle conformance --backend abacus --case '" + name + "'",
                    failure.locator("code").first().innerText());
            String smallest = report.smallest().get(name).kase().name();
            assertTrue(failure.locator("code").last().innerText().contains(smallest));
            assertEquals("all",
                    failure.locator("code").first().evaluate("e => getComputedStyle(e).userSelect"));
        });
    }

    @Test
    void histogramsDrawErrorsAgainstTheirBounds() {
        look(1200, ColorScheme.LIGHT, page -> {
            assertEquals(3, page.locator("svg.bars").count());
            double tallest = page.locator("svg.bars").last().locator("rect.bad").first().boundingBox().height;
            assertTrue(tallest > 50, "LSEs to base 2 lie past their bound, in a bar of " + tallest);
            assertEquals(3, page.locator("svg.bars line.limit").count());
        });
    }

    @Test
    void aPhoneScrollsTablesNotThePage() {
        for (int width : new int[]{360, 768}) {
            look(width, ColorScheme.LIGHT, page -> {
                int needed = (int) page.evaluate("document.documentElement.scrollWidth");
                assertTrue(needed <= width, () -> "the page needs " + needed + " of " + width + " pixels");
                assertTrue((boolean) page.evaluate("[...document.querySelectorAll('.scroll')].every("
                        + "e => getComputedStyle(e).overflowX === 'auto' && e.tabIndex === 0)"));
                assertTrue(page.locator("svg.bars text.axis").first().boundingBox().height >= 9,
                        "axis labels are too small to read");
            });
        }
    }

    @ParameterizedTest
    @EnumSource(value = ColorScheme.class, names = {"LIGHT", "DARK"})
    void textIsReadableInBothSchemes(ColorScheme scheme) {
        look(1200, scheme, page -> {
            for (String words : List.of("h1", ".verdict", "dt", "dd", ".soft", ".failure p", "code",
                    "td.pass",
                    "td.fail", "td.refused", "td.undeclared", ".rules td", ".rules .bad")) {
                Locator found = page.locator(words);
                if (found.count() > 0) {
                    double contrast = ((Number) found.first().evaluate(CONTRAST)).doubleValue();
                    assertTrue(contrast >= READABLE, () -> words + " has a contrast of " + contrast);
                }
            }
        });
    }

    @Test
    void theSchemesDiffer() {
        List<Object> grounds = new ArrayList<>();
        for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            look(1200, scheme, page -> grounds.add(colour(page.locator("body"))));
        }
        assertNotEquals(grounds.getFirst(), grounds.getLast());
    }
}
