package dev.heddle.core.session;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.HostMemorySpace;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The resources that an embedder lends to backends, and the memory spaces that they share. Whoever made it closes
 * it, after the sessions.
 *
 * @since 0.1
 */
@Evolving
public final class OwnedContext implements AutoCloseable {
    private final Map<MemorySpaceId, MemorySpace> spaces = new LinkedHashMap<>();
    private final @Nullable Executor executor;
    private final int parallelism;
    private final @Nullable Path cacheDirectory;
    private boolean closed;

    /**
     * Makes a context.
     *
     * @param executor the caller's threads for host work, or null to let backends start their own
     * @param parallelism threads that may work at once, 1 or more
     * @param cacheDirectory where compiled kernels may be kept, or null for nowhere
     * @param hostSpace host memory; closed with this context
     */
    public OwnedContext(
            @Nullable Executor executor, int parallelism, @Nullable Path cacheDirectory,
            HostMemorySpace hostSpace) {
        if (parallelism < 1) {
            throw new IllegalArgumentException("parallelism must be 1 or more, got " + parallelism);
        }
        this.executor = executor;
        this.parallelism = parallelism;
        this.cacheDirectory = cacheDirectory;
        spaces.put(MemorySpaceId.HOST, hostSpace);
    }

    /** Makes a context with all processors, backends' own threads, and no cache directory. */
    public static OwnedContext ofDefaults() {
        return new OwnedContext(null, Runtime.getRuntime().availableProcessors(), null,
                new HostMemorySpace());
    }

    /** Returns this context as a backend sees it when it opens a device. */
    public BackendContext forDevice(DeviceInfo device) {
        return new BackendContext() {
            @Override
            public DeviceInfo device() {
                return device;
            }

            @Override
            public MemorySpace memorySpace(MemorySpaceId id, Supplier<? extends MemorySpace> make) {
                return space(id, make);
            }

            @Override
            public MemorySpace hostSpace() {
                return OwnedContext.this.hostSpace();
            }

            @Override
            public Optional<Executor> executor() {
                return Optional.ofNullable(executor);
            }

            @Override
            public int parallelism() {
                return parallelism;
            }

            @Override
            public Optional<Path> cacheDirectory() {
                return Optional.ofNullable(cacheDirectory);
            }
        };
    }

    /** Returns host memory. */
    public MemorySpace hostSpace() {
        return space(MemorySpaceId.HOST, HostMemorySpace::new);
    }

    private synchronized MemorySpace space(MemorySpaceId id, Supplier<? extends MemorySpace> make) {
        if (closed) {
            throw new IllegalStateException("backend context is closed");
        }
        MemorySpace space = spaces.get(id);
        if (space == null) {
            space = make.get();
            spaces.put(id, space);
        }
        return space;
    }

    /** Closes every memory space; a second call does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            spaces.values().forEach(MemorySpace::close);
        }
    }
}
