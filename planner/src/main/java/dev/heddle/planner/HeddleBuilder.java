package dev.heddle.planner;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.HostMemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What an embedder may lend or fix before opening {@link Heddle}. Everything has a default.
 *
 * @since 0.1
 */
@Stable
public final class HeddleBuilder {
    private @Nullable ClassLoader classLoader;
    private @Nullable ModuleLayer moduleLayer;
    private @Nullable List<AttentionBackendProvider> providers;
    private final List<Path> plugins = new ArrayList<>();
    private List<String> backends = List.of();
    private @Nullable Executor executor;
    private int parallelism = Runtime.getRuntime().availableProcessors();
    private @Nullable Path cacheDirectory;
    private @Nullable Path calibrationDirectory;
    private @Nullable HostMemorySpace hostSpace;
    private @Nullable MemorySpaceId memorySpace;
    private Consumer<PlannerEvent> listener = HeddleBuilder::log;

    HeddleBuilder() {}

    /** Looks for providers in a class loader; the default is the calling thread's. */
    public HeddleBuilder classLoader(ClassLoader loader) {
        classLoader = loader;
        return this;
    }

    /** Looks for providers in a module layer. */
    public HeddleBuilder moduleLayer(ModuleLayer layer) {
        moduleLayer = layer;
        return this;
    }

    /**
     * Looks for plug-ins in a folder too: each jar, and each sub-folder of jars, is loaded apart from the others (see
     * {@link Plugins}). May be called for several folders.
     */
    public HeddleBuilder plugins(Path folder) {
        plugins.add(folder);
        return this;
    }

    /** Takes these providers, and those of plug-ins, and looks for no others. */
    public HeddleBuilder providers(List<? extends AttentionBackendProvider> known) {
        providers = List.copyOf(known);
        return this;
    }

    /** Pins every plan to these backends, unless its request names others. */
    public HeddleBuilder backends(String... ids) {
        backends = List.of(ids);
        return this;
    }

    /** Lends threads for host work; the default is that backends start their own. */
    public HeddleBuilder executor(Executor threads) {
        executor = threads;
        return this;
    }

    /** Sets how many threads may work at once, 1 or more; the default is one for each processor. */
    public HeddleBuilder parallelism(int threads) {
        parallelism = threads;
        return this;
    }

    /** Sets where compiled kernels are kept between processes; the default is nowhere. */
    public HeddleBuilder cacheDirectory(Path directory) {
        cacheDirectory = directory;
        return this;
    }

    /** Sets where calibrations are read and written; the default is nowhere: shipped constants. */
    public HeddleBuilder calibrationDirectory(Path directory) {
        calibrationDirectory = directory;
        return this;
    }

    /** Lends host memory, for an embedder's own arenas; closed with {@link Heddle}. */
    public HeddleBuilder hostSpace(HostMemorySpace space) {
        hostSpace = space;
        return this;
    }

    /** Fixes the memory space of plans and caches; the default is that of the first device found, or the host. */
    public HeddleBuilder memorySpace(MemorySpaceId space) {
        memorySpace = space;
        return this;
    }

    /**
     * Tells a listener of quarantines and recoveries; it is called on the thread whose run failed. Without one,
     * quarantines are logged as warnings by the system logger {@code dev.heddle.planner}.
     */
    public HeddleBuilder listener(Consumer<PlannerEvent> events) {
        listener = events;
        return this;
    }

    /**
     * Discovers backends. A broken provider is listed by {@link Heddle#backends()}, never thrown.
     *
     * @throws IllegalArgumentException if parallelism is below 1 or a folder of plug-ins does not exist
     */
    public Heddle open() {
        OwnedContext context = new OwnedContext(executor, parallelism, cacheDirectory,
                hostSpace == null ? new HostMemorySpace() : hostSpace);
        Plugins opened = Plugins.in(plugins);
        return new Heddle(Discovery.of(source(), opened), context, new CalibrationStore(calibrationDirectory),
                backends,
                memorySpace, listener, opened);
    }

    private Iterator<AttentionBackendProvider> source() {
        if (providers != null) {
            return providers.iterator();
        }
        if (moduleLayer != null) {
            return ServiceLoader.load(moduleLayer, AttentionBackendProvider.class).iterator();
        }
        return classLoader == null
                ? ServiceLoader.load(AttentionBackendProvider.class).iterator()
                : ServiceLoader.load(AttentionBackendProvider.class, classLoader).iterator();
    }

    private static void log(PlannerEvent event) {
        if (event instanceof PlannerEvent.Quarantined(String backend, Rejection rejection)) {
            System.getLogger("dev.heddle.planner")
                    .log(System.Logger.Level.WARNING, "{0}", rejection.message());
        }
    }
}
