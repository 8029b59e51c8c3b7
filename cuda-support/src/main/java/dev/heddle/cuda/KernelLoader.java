package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import jcuda.driver.CUresult;
import org.jspecify.annotations.Nullable;

/**
 * Finds the image of a kernel: in the jar, in the cache on disk, from the run-time compiler, in this order.
 *
 * @since 0.1
 */
@Evolving
public final class KernelLoader {
    private static final String FORMAT = "1"; // of keys; raised when images made before would no longer do
    private static final int LEAST_IN_JAR = 80; // compute capability that the jar's images begin with

    // What the driver says of an image without code for this device, or of PTX newer than the driver.
    private static final Set<Integer> NOT_FOR_THIS_DEVICE = Set.of(CUresult.CUDA_ERROR_INVALID_IMAGE,
            CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU, CUresult.CUDA_ERROR_INVALID_PTX,
            CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION, CUresult.CUDA_ERROR_JIT_COMPILER_NOT_FOUND,
            CUresult.CUDA_ERROR_INVALID_SOURCE);

    private static final System.Logger LOGGER = System.getLogger("dev.heddle.cuda");

    private final CudaContext context;
    private final Optional<ImageCache> cache;
    private NvrtcLibrary.@Nullable Search search;
    private @Nullable Nvrtc compiler;

    /**
     * Makes a loader.
     *
     * @param cacheDirectory where compiled images are kept between processes; empty to keep none
     */
    public KernelLoader(CudaContext context, Optional<Path> cacheDirectory) {
        this.context = context;
        this.cache =
                cacheDirectory.map(folder -> new ImageCache(folder.resolve("cuda"), ImageCache.MOST_BYTES));
    }

    /**
     * Loads a kernel.
     *
     * @param macros {@code NAME=VALUE}, what the source is specialised for
     * @param entry the kernel's name
     * @throws KernelUnavailableException if no image fits and none can be compiled; says what to install
     */
    public CudaKernel load(KernelSource source, List<String> macros, String entry) {
        KernelEvent event = new KernelEvent();
        event.begin();
        String arch = context.device().arch();
        String name = source.name() + " " + macros;
        event.kernel = name;
        CudaKernel kernel = fromJar(source, macros, name, entry);
        event.origin = "jar";
        if (kernel == null) {
            String key = key(source, macros, arch + " by " + library());
            byte[] image = cache.flatMap(c -> c.find(key)).orElse(null);
            event.origin = "disk";
            if (image == null) {
                image = compile(source, macros, arch);
                event.origin = "compiler";
                byte[] made = image;
                cache.ifPresent(c -> c.put(key, made));
            }
            kernel = new CudaKernel(context, name, image, entry);
        }
        event.commit();
        return kernel;
    }

    /**
     * Says what is missing to load a kernel; compiles nothing.
     *
     * @return a clause and its remedy, or empty if there is an image or a compiler
     */
    public Optional<KernelUnavailableException> missing(KernelSource source, List<String> macros) {
        if (search().found().isPresent() || (context.device().computeCapability() >= LEAST_IN_JAR
                && source.home().getResource(imageKey(source, macros) + KernelImages.SUFFIX) != null)) {
            return Optional.empty();
        }
        return Optional.of(Nvrtc.absent(search()));
    }

    private byte[] compile(KernelSource source, List<String> macros, String arch) {
        return compiler().compile(source, macros, arch); // several threads may
    }

    private synchronized Nvrtc compiler() {
        if (compiler == null) {
            compiler = Nvrtc.load(search());
        }
        return compiler;
    }

    private synchronized NvrtcLibrary.Search search() {
        if (search == null) {
            search = NvrtcLibrary.search(System::getProperty, System::getenv);
        }
        return search;
    }

    /** Returns the compiler's identity: what another one made is compiled anew. */
    private String library() {
        return search().found().map(NvrtcLibrary::fingerprint).orElse("none");
    }

    private @Nullable CudaKernel fromJar(
            KernelSource source, List<String> macros, String name, String entry) {
        if (context.device().computeCapability() < LEAST_IN_JAR) {
            return null;
        }
        byte[] image = image(source, imageKey(source, macros));
        if (image == null) {
            return null;
        }
        try {
            return new CudaKernel(context, name, image, entry);
        } catch (CudaException e) {
            if (!NOT_FOR_THIS_DEVICE.contains(e.code())) {
                throw e;
            }
            LOGGER.log(System.Logger.Level.DEBUG, "the jar's image of " + name + " does not serve "
                    + context.device().arch() + ", compiling instead", e);
            return null;
        }
    }

    private static byte @Nullable [] image(KernelSource source, String key) {
        try (InputStream in = source.home().getResourceAsStream(key + KernelImages.SUFFIX)) {
            return in == null ? null : in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the image " + key + " of " + source.name(), e);
        }
    }

    /** Returns the name of an image that holds code for several generations, as jars do. */
    public static String imageKey(KernelSource source, List<String> macros) {
        return key(source, macros, "any");
    }

    /** Returns the name of an image: a digest of everything that it depends on. */
    public static String key(KernelSource source, List<String> macros, String arch) {
        String all = FORMAT + "\n" + arch + "\n" + String.join("\n", macros.stream().sorted().toList()) + "\n"
                + source.text();
        return HexFormat.of().formatHex(ImageCache.digest(all.getBytes(StandardCharsets.UTF_8)), 0, 16);
    }
}
