package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Another VM with this one's class path: the library is loaded once in a process, and some mistakes end processes. */
final class ChildVm implements AutoCloseable {
    private static final int MINUTES = 5;

    private final Process process;
    private final Path output;

    private ChildVm(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    static ChildVm start(Class<?> main, Map<String, String> environment, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Path output = Files.createTempFile("child", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().remove("HEDDLE_OPENCL");
        builder.environment().putAll(environment);
        return new ChildVm(builder.start(), output);
    }

    /** Returns what it printed, once it has ended well. */
    String output() throws IOException, InterruptedException {
        assertTrue(process.waitFor(MINUTES, TimeUnit.MINUTES), "the child VM did not end");
        String text = Files.readString(output);
        assertEquals(0, process.exitValue(), () -> "the child VM failed:\n" + text);
        return text.strip();
    }

    /** Waits until it has printed a line and some time more, then ends it as the kernel would that lacks memory. */
    void killAfter(String line, int millis) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(MINUTES);
        while (!Files.readString(output).contains(line)) {
            String text = Files.readString(output);
            assertTrue(process.isAlive() && System.nanoTime() < deadline,
                    () -> "it never said " + line + ":\n" + text);
            Thread.sleep(1);
        }
        Thread.sleep(millis);
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        Files.deleteIfExists(output);
    }
}
