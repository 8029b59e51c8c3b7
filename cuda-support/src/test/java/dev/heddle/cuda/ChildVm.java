package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Another VM with this one's class path: for what happens once in a process, and for several processes. */
final class ChildVm implements AutoCloseable {
    private final Process process;
    private final Path output;

    private ChildVm(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    static ChildVm start(Class<?> main, Map<String, String> environment, List<String> properties,
            String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("--sun-misc-unsafe-memory-access=allow");
        command.add("-XX:TieredStopAtLevel=1");
        command.addAll(properties);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Path output = Files.createTempFile("child", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().remove(NvrtcLibrary.VARIABLE);
        builder.environment().putAll(environment);
        return new ChildVm(builder.start(), output);
    }

    /** Returns what it printed, once it has ended well. */
    String output() throws IOException, InterruptedException {
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), "the child VM did not end");
        String text = Files.readString(output);
        assertEquals(0, process.exitValue(), () -> "the child VM failed:\n" + text);
        return text.strip();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        Files.deleteIfExists(output);
    }
}
