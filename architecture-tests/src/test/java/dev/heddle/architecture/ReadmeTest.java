package dev.heddle.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README shows compiles, runs, and says what the declarations say. */
class ReadmeTest {
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    @Test
    void embeddingExampleCompilesAndRuns(@TempDir Path directory) throws Exception {
        String code = between(readme(), "<!-- embedding:begin", "<!-- embedding:end -->");
        code = code.substring(code.indexOf("```java") + "```java".length(), code.lastIndexOf("```"));
        Path source = directory.resolve("Embedding.java");
        Files.writeString(source, """
                import dev.heddle.core.attention.*;
                import dev.heddle.core.page.*;
                import dev.heddle.core.tensor.*;
                import dev.heddle.planner.*;

                public class Embedding {
                    public static String chosen() {
                        int layers = 3;
                %s
                        return "ran";
                    }
                }
                """.formatted(code.replace("System.out.println(", "java.util.Objects.requireNonNull(")));
        StringWriter errors = new StringWriter();
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var task = compiler.getTask(new PrintWriter(errors), files, null,
                    List.of("-d", directory.toString(), "-cp", System.getProperty("java.class.path")), null,
                    files.getJavaFileObjects(source));
            assertTrue(task.call(), () -> "the README's example does not compile:\n" + errors);
        }
        try (var loader = new URLClassLoader(new URL[]{directory.toUri().toURL()})) {
            assertEquals("ran", loader.loadClass("Embedding").getMethod("chosen").invoke(null));
        }
    }

    @Test
    void supportTableIsThatOfTheDeclarations() throws Exception {
        String table = between(readme(), "<!-- support-table:begin -->", "<!-- support-table:end -->");
        Process process = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules", "jdk.incubator.vector", "-cp", System.getProperty("java.class.path"),
                "dev.heddle.cli.Main", "backends", "--markdown")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        process.getInputStream().transferTo(output);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(output.toString(StandardCharsets.UTF_8).strip(), table.strip(),
                "run './heddle backends --markdown' and put what it prints into README.md");
    }

    @Test
    void everyLinkLeadsSomewhere() throws IOException {
        var links = java.util.regex.Pattern.compile("\\]\\(([^)#:]+)\\)").matcher(readme());
        int found = 0;
        while (links.find()) {
            Path target = ROOT.resolve(links.group(1));
            assertTrue(Files.exists(target), () -> "README links to " + target + ", which is not there");
            found++;
        }
        assertTrue(found > 5, "the README has links");
    }

    private static String readme() throws IOException {
        return Files.readString(ROOT.resolve("README.md"));
    }

    private static String between(String text, String begin, String end) {
        int from = text.indexOf('\n', text.indexOf(begin));
        int to = text.indexOf(end);
        assertTrue(from >= 0 && to > from, "README.md has lost " + begin);
        return text.substring(from + 1, to);
    }
}
