package dev.heddle.cuda;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where the run-time compiler lies: {@code libnvrtc} of a CUDA toolkit or of a Python package.
 *
 * @param nvrtc the library
 * @param builtins the library of the same version that it loads
 */
record NvrtcLibrary(Path nvrtc, @Nullable Path builtins) {
    /** Names the library, or a folder that holds it, before any other place. */
    static final String PROPERTY = "heddle.nvrtc";

    static final String VARIABLE = "HEDDLE_NVRTC";
    private static final Pattern LIBRARY = Pattern.compile("libnvrtc\\.so\\.\\d{1,9}(\\.\\d{1,9})*");
    private static final Pattern VERSION = Pattern.compile("\\.so\\.(\\d{1,9}(\\.\\d{1,9})*)$");
    private static final Comparator<Path> BY_VERSION =
            Comparator.comparing(NvrtcLibrary::version, Arrays::compare);
    private static final int LEAST_MAJOR = 12;

    /** Tells one compiler from another without loading it: the file behind all links, and its size. */
    String fingerprint() {
        try {
            Path real = nvrtc.toRealPath();
            return real.getFileName() + " of " + Files.size(real) + " bytes";
        } catch (IOException e) {
            return nvrtc.toString();
        }
    }

    /** What a search found, and where it looked. */
    record Search(Optional<NvrtcLibrary> found, List<Path> looked) {}

    /**
     * Searches.
     *
     * @param property reads system properties
     * @param variable reads the environment
     */
    static Search search(UnaryOperator<@Nullable String> property, UnaryOperator<@Nullable String> variable) {
        Set<Path> places = new LinkedHashSet<>();
        add(places, property.apply(PROPERTY));
        add(places, variable.apply(VARIABLE));
        boolean chosen = !places.isEmpty();
        if (!chosen) {
            usual(places, variable);
        }
        for (Path place : places) {
            Optional<NvrtcLibrary> found =
                    Files.isRegularFile(place) ? Optional.of(of(place)) : newest(place);
            if (found.isPresent()) {
                return new Search(found, List.copyOf(places));
            }
        }
        return new Search(Optional.empty(), List.copyOf(places));
    }

    private static void usual(Set<Path> places, UnaryOperator<@Nullable String> variable) {
        String library = variable.apply("LD_LIBRARY_PATH");
        if (library != null) {
            for (String entry : library.split(":")) {
                add(places, entry);
            }
        }
        for (String home : List.of("CUDA_HOME", "CUDA_PATH")) {
            String toolkit = variable.apply(home);
            if (toolkit != null && !toolkit.isEmpty()) {
                toolkit(places, Path.of(toolkit));
            }
        }
        toolkit(places, Path.of("/usr/local/cuda"));
        children(Path.of("/usr/local"), "cuda-*").forEach(path -> toolkit(places, path));
        places.add(Path.of("/usr/lib/x86_64-linux-gnu"));
        places.add(Path.of("/usr/lib64"));
        List<Path> pythons = new ArrayList<>();
        for (String prefix : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            String environment = variable.apply(prefix);
            if (environment != null && !environment.isEmpty()) {
                pythons.add(Path.of(environment, "lib"));
            }
        }
        String user = variable.apply("HOME");
        if (user != null && !user.isEmpty()) {
            pythons.add(Path.of(user, ".local", "lib"));
        }
        pythons.add(Path.of("/usr/local/lib"));
        pythons.add(Path.of("/usr/lib"));
        children(Path.of("/opt"), "*").forEach(path -> {
            pythons.add(path.resolve("lib"));
            pythons.add(path.resolve(".venv/lib"));
        });
        for (Path lib : pythons) {
            for (Path python : children(lib, "python3*")) {
                for (String packages : List.of("site-packages", "dist-packages")) {
                    places.add(python.resolve(packages).resolve("nvidia/cu13/lib"));
                    places.add(python.resolve(packages).resolve("nvidia/cuda_nvrtc/lib"));
                }
            }
        }
    }

    private static void toolkit(Set<Path> places, Path home) {
        places.add(home.resolve("lib64"));
        places.add(home.resolve("targets/x86_64-linux/lib"));
    }

    private static void add(Set<Path> places, @Nullable String path) {
        if (path != null && !path.isEmpty()) {
            places.add(Path.of(path));
        }
    }

    private static List<Path> children(Path folder, String glob) {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
                stream.forEach(found::add);
            } catch (IOException | DirectoryIteratorException e) {
                return List.of(); // a folder that may not be read holds nothing for us
            }
        }
        found.sort(Comparator.reverseOrder()); // newer versions first
        return found;
    }

    private static Optional<NvrtcLibrary> newest(Path folder) {
        return children(folder, "libnvrtc.so.*").stream()
                .filter(path -> LIBRARY.matcher(path.getFileName().toString()).matches()
                        && version(path)[0] >= LEAST_MAJOR)
                .max(BY_VERSION)
                .map(NvrtcLibrary::of);
    }

    /** Returns the numbers that a file's name ends in; none for {@code libnvrtc.so}. */
    private static int[] version(Path library) {
        Matcher matcher = VERSION.matcher(library.getFileName().toString());
        return matcher.find()
                ? Arrays.stream(matcher.group(1).split("\\.")).mapToInt(Integer::parseInt).toArray()
                : new int[0];
    }

    private static NvrtcLibrary of(Path library) {
        Path absolute = library.toAbsolutePath();
        int[] wanted = version(real(absolute));
        List<Path> builtins = absolute.getParent() == null
                ? List.of()
                : children(absolute.getParent(), "libnvrtc-builtins.so*");
        return new NvrtcLibrary(absolute, builtins.stream()
                .max(Comparator.<Path>comparingInt(path -> common(wanted, version(path)))
                        .thenComparing(BY_VERSION))
                .orElse(null));
    }

    /** Follows links: {@code libnvrtc.so.12} is a link to a file whose name has the whole version. */
    private static Path real(Path library) {
        try {
            return library.toRealPath();
        } catch (IOException e) {
            return library;
        }
    }

    private static int common(int[] one, int[] other) {
        int different = Arrays.mismatch(one, other);
        return different < 0 ? one.length : different;
    }
}
