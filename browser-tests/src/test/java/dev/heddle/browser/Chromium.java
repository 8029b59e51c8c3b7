package dev.heddle.browser;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Playwright;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

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

    /** Opens the browser: who asks for the profile wants the report looked at, so that a machine without one fails. */
    static Chromium open() {
        Optional<Path> executable = Stream.concat(
                Stream.ofNullable(System.getProperty("heddle.chromium")), PLACES.stream())
                .map(Path::of).filter(Files::isExecutable).findFirst();
        assertTrue(executable.isPresent(),
                "no Chromium in " + PLACES + " or at -Dheddle.chromium: install the package"
                        + " chromium, or leave the profile browser out");
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
