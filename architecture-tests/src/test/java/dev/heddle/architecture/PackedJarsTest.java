package dev.heddle.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jars as users get them find the CPU backend on the class path and on the module path. */
class PackedJarsTest {
    private static final Path LIB = Path.of("").toAbsolutePath().getParent().resolve("cli/target/lib");

    private static final String PROBE = """
            import dev.heddle.planner.*;

            public class Probe {
                public static void main(String[] arguments) {
                    try (Heddle heddle = Heddle.open()) {
                        for (BackendReport backend : heddle.backends()) {
                            String path = Heddle.class.getModule().isNamed() ? "module path" : "class path";
                            System.out.println(backend.id() + " " + backend.status() + " on the " + path);
                        }
                    }
                }
            }
            """;

    @Test
    void classPathFindsTheBackend(@TempDir Path directory) throws Exception {
        Path probe = Files.writeString(directory.resolve("Probe.java"), PROBE);
        assertEquals("cpu AVAILABLE on the class path",
                java(List.of("-cp", LIB.resolve("*").toString(), probe.toString())));
    }

    @Test
    void modulePathFindsTheBackend(@TempDir Path directory) throws Exception {
        Path probe = Files.writeString(directory.resolve("Probe.java"), PROBE);
        assertEquals("cpu AVAILABLE on the module path",
                java(List.of("-p", LIB.toString(), "--add-modules",
                        "dev.heddle.planner,dev.heddle.backend.cpu", probe.toString())));
    }

    private static String java(List<String> arguments) throws IOException, InterruptedException {
        assertTrue(Files.isDirectory(LIB), () -> LIB + " is made by 'mvn package'");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--add-modules");
        command.add("jdk.incubator.vector");
        command.addAll(arguments);
        Path errors = Files.createTempFile("probe", ".log");
        try {
            Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the child VM did not end");
            String log = Files.readString(errors);
            assertEquals(0, process.exitValue(), () -> "the child VM failed:\n" + log);
            return output.strip();
        } finally {
            Files.deleteIfExists(errors);
        }
    }
}
