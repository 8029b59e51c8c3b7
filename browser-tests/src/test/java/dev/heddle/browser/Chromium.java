package dev.heddle.browser;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Playwright;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The distribution's own browser; none is downloaded. */
final class Chromium implements AutoCloseable {
    private static final List<String> PLACES =
            List.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome");

    private final Playwright playwright;
    private final Browser browser;

    private Chromium(Path executable) {
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright.chromium().launch(new BrowserType.LaunchOptions()
                .setExecutablePath(executable)
                .setArgs(List.of("--no-sandbox"))); // CI runs as root
    }

    /** Opens the browser; where there is none, says so and skips, or fails if {@code heddle.require} names it. */
    static Chromium open() {
        Optional<Path> executable = Stream.concat(
                Stream.ofNullable(System.getProperty("heddle.chromium")), PLACES.stream())
                .map(Path::of).filter(Files::isExecutable).findFirst();
        if (executable.isEmpty()) {
            String words =
                    "no Chromium in " + PLACES + " or at -Dheddle.chromium: the report was not looked at"
                            + " in a browser; install the package chromium";
            if (System.getProperty("heddle.require", "").contains("chromium")) {
                throw new AssertionError(words);
            }
            System.err.println(words);
            Assumptions.abort(words);
        }
        return new Chromium(executable.orElseThrow());
    }

    Browser browser() {
        return browser;
    }

    @Override
    public void close() {
        browser.close();
        playwright.close();
    }
}
