package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;

/**
 * Compiles kernels while Heddle is built, so that a machine without a compiler runs them and the first call is fast.
 * Each image holds machine code for several generations of GPUs, and PTX from which drivers make code for later ones.
 *
 * @since 0.1
 */
@Evolving
public final class KernelImages {
    /** How the names of images end. */
    static final String SUFFIX = ".fatbin";

    private static final List<String> OPTIONS = List.of("-std=c++17", "-gencode",
            "arch=compute_80,code=sm_80",
            "-gencode", "arch=compute_90,code=sm_90", "-gencode", "arch=compute_100,code=sm_100", "-gencode",
            "arch=compute_120,code=sm_120", "-gencode", "arch=compute_80,code=compute_80", "-Xfatbin",
            "-compress-all", "--compress-mode=size", "-fatbin");

    private final NvccCompiler compiler;

    private KernelImages(NvccCompiler compiler) {
        this.compiler = compiler;
    }

    /**
     * What a build made.
     *
     * @param images images that are there now
     * @param compiled those of them that were compiled just now
     * @param bytes size of all in bytes
     * @since 0.1
     */
    @Evolving
    public record Result(int images, int compiled, long bytes) {}

    /**
     * Looks for nvcc 12.8 or newer, the first that knows all generations: in {@code CUDA_HOME}, on the path, in
     * {@code /usr/local/cuda*}.
     *
     * @param environment reads an environment variable
     * @return empty if there is none
     * @throws IOException if a folder cannot be listed or a compiler cannot be started
     */
    public static Optional<KernelImages> find(UnaryOperator<String> environment) throws IOException {
        return NvccCompiler.find(environment).map(KernelImages::new);
    }

    /** Returns the compiler with its version. */
    public String compiler() {
        return compiler.toString();
    }

    /**
     * Compiles what is not there yet and deletes what no shape asks for any more.
     *
     * @param shapes a list of {@code NAME=VALUE} for each image
     * @param classes root of the compiled classes; images go beside the source's home class
     * @param scratch a folder for files between builds
     * @throws IOException if files cannot be written
     * @throws KernelUnavailableException with the compiler's log and the macros, if one cannot be compiled
     */
    public Result build(KernelSource source, List<List<String>> shapes, Path classes, Path scratch)
            throws IOException {
        Path target = classes.resolve(source.home().getPackageName().replace('.', '/'));
        Files.createDirectories(target);
        Files.createDirectories(scratch);
        Path stamp = scratch.resolve(source.name() + ".options");
        String made = compiler.version() + " " + OPTIONS;
        boolean sameCompiler = Files.exists(stamp) && Files.readString(stamp).equals(made);
        Map<String, List<String>> wanted = new LinkedHashMap<>();
        shapes.forEach(macros -> wanted.put(KernelLoader.imageKey(source, macros), macros));
        deleteOthers(target, sameCompiler ? wanted : Map.of());
        Files.writeString(stamp, made);
        Map<String, List<String>> missing = new LinkedHashMap<>(wanted);
        missing.keySet().removeIf(key -> Files.exists(target.resolve(key + SUFFIX)));
        if (!missing.isEmpty()) {
            Path text = scratch.resolve(source.name());
            Files.writeString(text, source.text(), StandardCharsets.UTF_8);
            compileAll(text, missing, target, scratch);
        }
        long bytes = 0;
        for (String key : wanted.keySet()) {
            bytes += Files.size(target.resolve(key + SUFFIX));
        }
        return new Result(wanted.size(), missing.size(), bytes);
    }

    private static void deleteOthers(Path target, Map<String, List<String>> kept) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(target, "*" + SUFFIX)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (!kept.containsKey(name.substring(0, name.length() - SUFFIX.length()))) {
                    Files.delete(file);
                }
            }
        }
    }

    private void compileAll(Path text, Map<String, List<String>> missing, Path target, Path scratch)
            throws IOException {
        List<Future<Path>> running = new ArrayList<>();
        try (ExecutorService pool =
                Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
            missing.forEach((key, macros) -> running.add(pool.submit(() -> {
                // Moved when whole, so that a build that was stopped leaves no half an image behind.
                Path out = scratch.resolve(key + SUFFIX);
                compiler.compile(text, OPTIONS, macros, out);
                return Files.move(out, target.resolve(key + SUFFIX), StandardCopyOption.REPLACE_EXISTING);
            })));
            try {
                for (Future<Path> each : running) {
                    each.get();
                }
            } catch (ExecutionException e) {
                pool.shutdownNow();
                throw new KernelUnavailableException(String.valueOf(e.getCause().getMessage()), e.getCause());
            } catch (InterruptedException e) {
                pool.shutdownNow();
                Thread.currentThread().interrupt();
                throw new KernelUnavailableException("interrupted while kernels were compiled", e);
            }
        }
    }
}
