package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Makes programs ready: from the cache on disk, else from source.
 *
 * @since 0.1
 */
@Evolving
public final class ProgramLoader {
    private static final String FORMAT = "1"; // of keys; raised when binaries made before would no longer do
    private static final String OPTIONS = "-cl-std=CL1.2 -cl-mad-enable -w";

    private static final System.Logger LOGGER = System.getLogger("dev.heddle.opencl");

    private final OpenClMemorySpace space;
    private final Optional<ProgramCache> cache;

    /** Makes a loader for a space's device. */
    public ProgramLoader(OpenClMemorySpace space, Optional<ProgramCache> cache) {
        this.space = space;
        this.cache = cache;
    }

    /**
     * Makes a program ready to run.
     *
     * @param source OpenCL C
     * @param macros {@code NAME=VALUE}, what it is specialised for
     * @param firstLaunch launches its kernels once with nothing to do and waits; asked for if the program was compiled
     *     just now, since some drivers compile at the first launch, and only what they then have is worth keeping
     * @throws OpenClException with the compiler's log, if it cannot be compiled
     */
    public OpenClProgram load(String name, String source, List<String> macros,
            Consumer<OpenClProgram> firstLaunch) {
        ProgramEvent event = new ProgramEvent();
        event.begin();
        String options =
                macros.stream().sorted().map(macro -> " -D" + macro)
                        .collect(Collectors.joining("", OPTIONS, ""));
        event.program = name + " " + macros;
        String key = ProgramCache.key(FORMAT, space.device().fingerprint(), options, source);
        Optional<OpenClProgram> kept = cache.flatMap(c -> c.find(key))
                .flatMap(binary -> OpenClProgram.ofBinary(space.context(), name, binary, options));
        event.origin = kept.isPresent() ? "disk" : "compiler";
        OpenClProgram program = kept.orElseGet(() -> compile(name, source, options, key, firstLaunch));
        event.commit();
        return program;
    }

    private OpenClProgram compile(String name, String source, String options, String key,
            Consumer<OpenClProgram> firstLaunch) {
        long begin = System.nanoTime();
        OpenClProgram program = OpenClProgram.compile(space.context(), name, source, options);
        try {
            firstLaunch.accept(program);
            cache.ifPresent(c -> c.put(key, program.binary()));
        } catch (RuntimeException e) {
            program.close();
            throw e;
        }
        LOGGER.log(System.Logger.Level.DEBUG, "compiled {0} {1} in {2} ms", name, options,
                (System.nanoTime() - begin) / 1_000_000);
        return program;
    }

    /**
     * Returns files that lie beside a class, one after the other.
     *
     * @throws IllegalStateException if the jar lacks one
     */
    public static String source(Class<?> home, String... files) {
        StringBuilder all = new StringBuilder();
        for (String file : files) {
            try (InputStream in = home.getResourceAsStream(file)) {
                if (in == null) {
                    throw new IllegalStateException(home.getName() + "'s jar has lost its file " + file);
                }
                all.append(new String(in.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + file + " of " + home.getName(), e);
            }
        }
        return all.toString();
    }
}
