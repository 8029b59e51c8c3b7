package dev.heddle.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.spi.AttentionBackendProvider;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plug-ins as users drop them into a folder, with Heddle on the class path, on the module path, and as the command. */
class PluginJarsTest {
    private static final Path LIB = Path.of("").toAbsolutePath().getParent().resolve("cli/target/lib");

    private static final String PROBE = """
            import dev.heddle.planner.*;
            import java.nio.file.Path;

            public class Probe {
                public static void main(String[] folder) {
                    try (Heddle heddle = Heddle.builder().plugins(Path.of(folder[0])).open()) {
                        String path = Heddle.class.getModule().isNamed() ? "module path" : "class path";
                        for (BackendReport backend : heddle.backends()) {
                            if (backend.origin().contains(folder[0])) {
                                System.out.println(backend.id() + " " + backend.version() + " "
                                        + backend.status() + " on the " + path);
                            }
                        }
                    }
                }
            }
            """;

    private static final String BACKEND =
            """
                    package com.example;
                    import dev.heddle.core.capability.*;
                    import dev.heddle.core.spi.*;
                    import dev.heddle.core.tensor.DataType;
                    public final class Backend implements AttentionBackendProvider {
                        @Override public String id() { return "%s"; }
                        @Override public String version() { return Library.version(); }
                        @Override public Capabilities capabilities() {
                            return Capabilities.builder().groupSizes(IntSet.of(1)).headDims(8).dtypes(DataType.F32).build();
                        }
                        @Override public AttentionBackend open(BackendContext context) {
                            throw new UnsupportedOperationException("for declarations only");
                        }
                    }
                    class Library {
                        static String version() { return "library-%s"; }
                    }
                    """;

    @TempDir
    Path work;

    private Path plugins;
    private Path probe;

    @BeforeEach
    void twoPluginsWithTwoVersionsOfOneLibraryAndABrokenOne() throws IOException {
        plugins = Files.createDirectory(work.resolve("plugins"));
        probe = Files.writeString(work.resolve("Probe.java"), PROBE);
        plugin("one", 1);
        plugin("two", 2);
        Files.writeString(plugins.resolve("broken.jar"), "no jar");
    }

    private void plugin(String id, int libraryVersion) throws IOException {
        Path classes = Files.createDirectory(work.resolve(id));
        Path source =
                Files.writeString(classes.resolve("Backend.java"), BACKEND.formatted(id, libraryVersion));
        StringWriter errors = new StringWriter();
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            assertTrue(
                    compiler.getTask(errors, files, null,
                            List.of("-proc:none", "-d", classes.toString(), "-cp",
                                    System.getProperty("java.class.path")),
                            null, files.getJavaFileObjects(source)).call(),
                    errors::toString);
        }
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(plugins.resolve(id + ".jar")));
                Stream<Path> files = Files.list(classes.resolve("com/example"))) {
            for (Path file : files.toList()) {
                jar.putNextEntry(new JarEntry("com/example/" + file.getFileName()));
                Files.copy(file, jar);
            }
            jar.putNextEntry(new JarEntry("META-INF/services/" + AttentionBackendProvider.class.getName()));
            jar.write("com.example.Backend".getBytes(StandardCharsets.UTF_8));
        }
    }

    private static String found(String path) {
        return "broken.jar  BROKEN on the " + path + "\none library-1 AVAILABLE on the " + path
                + "\ntwo library-2 AVAILABLE on the " + path;
    }

    @Test
    void withHeddleOnTheClassPath() throws Exception {
        assertEquals(found("class path"),
                java(0, "-cp", LIB.resolve("*").toString(), probe.toString(), plugins.toString()));
    }

    @Test
    void withHeddleOnTheModulePath() throws Exception {
        Path modules = Files.createDirectory(work.resolve("modules"));
        for (String name : List.of("heddle-core-api", "heddle-planner", "gson", "error_prone_annotations")) {
            Files.createSymbolicLink(modules.resolve(name + ".jar"), LIB.resolve(name + ".jar"));
        }
        assertEquals(found("module path"),
                java(0, "-p", modules.toString(), "--add-modules", "dev.heddle.planner",
                        probe.toString(), plugins.toString()));
    }

    @Test
    void asTheCommandBeforeAndAfterItsName() throws Exception {
        String[] command = {"-cp", LIB.resolve("*").toString(), "dev.heddle.cli.Main", "--plugins",
                plugins.toString(), "backends"};
        String out = java(0, command);
        assertTrue(out.contains("one library-1: available") && out.contains("two library-2: available"), out);
        assertTrue(out.contains("broken.jar is no jar that can be read"), out);
        String after =
                java(0, "-cp", LIB.resolve("*").toString(), "dev.heddle.cli.Main", "backends", "--plugins",
                        plugins.toString());
        assertEquals(out, after);
    }

    @Test
    void theKitProvesAPluginInThisVmAndInAChild() throws Exception {
        for (List<String> how : List.of(List.<String>of(), List.of("--isolated"))) {
            List<String> command = new ArrayList<>(List.of("-cp", LIB.resolve("*").toString(),
                    "dev.heddle.cli.Main", "conformance", "--plugins", plugins.toString(), "--backend", "two",
                    "--rules", "1.02", "--json"));
            command.addAll(how);
            String out = java(0, command.toArray(String[]::new));
            assertTrue(out.contains("\"backend\": \"two\"") && out.contains("\"failed\": 0")
                    && !out.contains("\"passed\": 0,"), out);
        }
    }

    private String java(int expected, String... arguments) throws IOException, InterruptedException {
        assertTrue(Files.isDirectory(LIB), () -> LIB + " is made by 'mvn package'");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        command.addAll(List.of(arguments));
        Path errors = work.resolve("errors.log");
        Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), "the child VM did not end");
        String log = Files.readString(errors);
        assertEquals(expected, process.exitValue(), () -> "the child VM said:\n" + log);
        return output.strip();
    }
}
