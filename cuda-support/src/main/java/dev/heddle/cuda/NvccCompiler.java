package dev.heddle.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The compiler of a CUDA toolkit, as a program. */
final class NvccCompiler {
    private static final Pattern RELEASE = Pattern.compile("release (\\d+)\\.(\\d+)");
    private static final int LEAST_VERSION = 1208; // the first with sm_120

    private final Path program;
    private final int version;

    private NvccCompiler(Path program, int version) {
        this.program = program;
        this.version = version;
    }

    /** Returns the first compiler that is new enough. */
    static Optional<NvccCompiler> find(UnaryOperator<String> environment) throws IOException {
        for (Path program : candidates(environment)) {
            if (Files.isExecutable(program)) {
                Matcher release = RELEASE.matcher(run(List.of(program.toString(), "--version")).log());
                int version = release.find()
                        ? Integer.parseInt(release.group(1)) * 100 + Integer.parseInt(release.group(2)) : 0;
                if (version >= LEAST_VERSION) {
                    return Optional.of(new NvccCompiler(program, version));
                }
            }
        }
        return Optional.empty();
    }

    private static List<Path> candidates(UnaryOperator<String> environment) throws IOException {
        List<Path> found = new ArrayList<>();
        String home = environment.apply("CUDA_HOME");
        if (home != null && !home.isBlank()) {
            found.add(Path.of(home, "bin", "nvcc"));
        }
        String path = environment.apply("PATH");
        if (path != null) {
            for (String folder : path.split(File.pathSeparator)) {
                if (!folder.isBlank()) {
                    found.add(Path.of(folder, "nvcc"));
                }
            }
        }
        Path local = Path.of("/usr/local");
        if (Files.isDirectory(local)) {
            try (DirectoryStream<Path> toolkits = Files.newDirectoryStream(local, "cuda*")) {
                toolkits.forEach(toolkit -> found.add(toolkit.resolve("bin").resolve("nvcc")));
            }
        }
        return found;
    }

    /**
     * Compiles one image.
     *
     * @throws KernelUnavailableException with the compiler's log
     */
    void compile(Path source, List<String> options, List<String> macros, Path out)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(options);
        macros.forEach(macro -> command.add("-D" + macro));
        command.addAll(List.of("-o", out.toString(), source.toString()));
        Ended ended = run(command);
        if (ended.status() != 0) {
            throw new KernelUnavailableException(
                    this + " failed with status " + ended.status() + " on " + source
                            + " with " + macros + ":\n" + ended.log(),
                    null);
        }
    }

    int version() {
        return version;
    }

    @Override
    public String toString() {
        return program + " " + version / 100 + "." + version % 100;
    }

    private record Ended(int status, String log) {}

    private static Ended run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            process.getOutputStream().close();
            String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Ended(process.waitFor(), log);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KernelUnavailableException("interrupted while " + command.getFirst() + " ran", e);
        } finally {
            process.destroy();
        }
    }
}
