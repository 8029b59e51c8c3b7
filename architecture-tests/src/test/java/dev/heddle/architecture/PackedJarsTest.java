package dev.heddle.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.backend.cpu.CpuNativeBackendProvider;
import dev.heddle.backend.cuda.core.CudaCoreBackendProvider;
import dev.heddle.backend.opencl.OpenClBackendProvider;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jars as users get them find every backend on the class path and the module path, with a driver or without. */
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
    void classPathFindsEveryBackend(@TempDir Path directory) throws Exception {
        Path probe = Files.writeString(directory.resolve("Probe.java"), PROBE);
        assertEquals(everyBackend("class path"),
                lines(List.of("-cp", LIB.resolve("*").toString(), probe.toString())));
    }

    @Test
    void modulePathFindsEveryBackend(@TempDir Path directory) throws Exception {
        Path probe = Files.writeString(directory.resolve("Probe.java"), PROBE);
        assertEquals(everyBackend("module path"),
                lines(List.of("-p", modulePath(directory).toString(), "--add-modules",
                        "dev.heddle.planner,dev.heddle.backend.cpu,dev.heddle.backend.cuda.core,"
                                + "dev.heddle.backend.tensor.core,dev.heddle.backend.opencl,org.lwjgl.natives",
                        "--enable-native-access=dev.heddle.backend.cpu,dev.heddle.backend.opencl,org.lwjgl",
                        probe.toString())));
    }

    /** A backend is found wherever its jar is; whether it is of use is the machine's business. */
    private static Set<String> everyBackend(String path) {
        String gpu = status(new CudaCoreBackendProvider(), path);
        return Set.of("cpu AVAILABLE on the " + path,
                "cpu-native" + status(new CpuNativeBackendProvider(), path),
                "cuda-core" + gpu, "tensor-core" + gpu,
                "opencl" + status(new OpenClBackendProvider(), path));
    }

    private static String status(AttentionBackendProvider provider, String path) {
        boolean available = provider.probe() instanceof Availability.Available;
        return (available ? " AVAILABLE" : " UNAVAILABLE") + " on the " + path;
    }

    /**
     * Returns a folder with all jars under names that a module path takes. In lib they have no versions, and
     * jcuda-natives-linux-x86_64.jar then gives no module name; with the version, as a repository has it, it does.
     */
    private static Path modulePath(Path directory) throws IOException {
        Path modules = Files.createDirectory(directory.resolve("modules"));
        try (var jars = Files.list(LIB)) {
            for (Path jar : jars.filter(path -> path.toString().endsWith(".jar")).toList()) {
                String name = jar.getFileName().toString().replace("-linux-x86_64", "");
                Files.createSymbolicLink(modules.resolve(name), jar);
            }
        }
        return modules;
    }

    private static Set<String> lines(List<String> arguments) throws IOException, InterruptedException {
        return new TreeSet<>(java(arguments).lines().toList()); // one line for each device
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
