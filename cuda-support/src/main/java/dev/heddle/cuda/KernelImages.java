package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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

    private static final int[] GENERATIONS = {80, 90, 100, 120};

    private static final List<String> OPTIONS =
            List.of("-std=c++17", "-Xfatbin", "-compress-all", "--compress-mode=size", "-fatbin");

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
     * An image that a jar is to hold.
     *
     * @param source what it is compiled from; the image goes beside its home class
     * @param macros {@code NAME=VALUE} each
     * @param leastComputeCapability the oldest device that can run it, major × 10 + minor
     * @since 0.1
     */
    @Evolving
    public record Wanted(KernelSource source, List<String> macros, int leastComputeCapability) {
        String key() {
            return KernelLoader.imageKey(source, macros);
        }
    }

    /**
     * Compiles what is not there yet and deletes what nobody asks for any more.
     *
     * @param images the images, whose sources share one home; at least one
     * @param classes root of the compiled classes
     * @param scratch a folder for files between builds
     * @throws IOException if files cannot be written
     * @throws KernelUnavailableException with the compiler's log and the macros, if one cannot be compiled
     */
    public Result build(List<Wanted> images, Path classes, Path scratch) throws IOException {
        String home = images.getFirst().source().home().getPackageName();
        Path target = classes.resolve(home.replace('.', '/'));
        Files.createDirectories(target);
        Files.createDirectories(scratch);
        Path stamp = scratch.resolve("compiler");
        String made = compiler.version() + " " + OPTIONS + " " + Arrays.toString(GENERATIONS);
        boolean sameCompiler = Files.exists(stamp) && Files.readString(stamp).equals(made);
        Map<String, Wanted> wanted = new LinkedHashMap<>();
        images.forEach(image -> wanted.put(image.key(), image));
        deleteOthers(target, sameCompiler ? wanted.keySet() : Set.of());
        Files.writeString(stamp, made);
        Map<String, Wanted> missing = new LinkedHashMap<>(wanted);
        missing.keySet().removeIf(key -> Files.exists(target.resolve(key + SUFFIX)));
        for (KernelSource source : new LinkedHashSet<>(
                missing.values().stream().map(Wanted::source).toList())) {
            Files.writeString(scratch.resolve(source.name()), source.text(), StandardCharsets.UTF_8);
        }
        compileAll(missing, target, scratch);
        long bytes = 0;
        for (String key : wanted.keySet()) {
            bytes += Files.size(target.resolve(key + SUFFIX));
        }
        return new Result(wanted.size(), missing.size(), bytes);
    }

    /** Returns the compiler's options for every generation from one on, and PTX of it for those to come. */
    private static List<String> options(int leastComputeCapability) {
        List<String> options = new ArrayList<>(OPTIONS);
        for (int generation : GENERATIONS) {
            if (generation >= leastComputeCapability) {
                options.add("-gencode");
                options.add("arch=compute_" + generation + ",code=sm_" + generation);
            }
        }
        options.add("-gencode");
        options.add("arch=compute_" + leastComputeCapability + ",code=compute_" + leastComputeCapability);
        return options;
    }

    private static void deleteOthers(Path target, Set<String> kept) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(target, "*" + SUFFIX)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (!kept.contains(name.substring(0, name.length() - SUFFIX.length()))) {
                    Files.delete(file);
                }
            }
        }
    }

    private void compileAll(Map<String, Wanted> missing, Path target, Path scratch) {
        List<Future<Path>> running = new ArrayList<>();
        try (ExecutorService pool =
                Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
            missing.forEach((key, image) -> running.add(pool.submit(() -> {
                // Moved when whole, so that a build that was stopped leaves no half an image behind.
                Path out = scratch.resolve(key + SUFFIX);
                compiler.compile(scratch.resolve(image.source().name()),
                        options(image.leastComputeCapability()), image.macros(), out);
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
