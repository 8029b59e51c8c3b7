package dev.heddle.core.spi;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * What the caller lends to an opened backend. Nothing of it is global: two contexts share nothing.
 *
 * @since 0.1
 */
@Evolving
public interface BackendContext {
    /** Returns the device to open, one of those that the provider's probe named. */
    DeviceInfo device();

    /**
     * Returns the memory space of that name, made by the first backend that asks for it and shared by all that ask
     * later. The context owns it and closes it after the backends.
     */
    MemorySpace memorySpace(MemorySpaceId id, Supplier<? extends MemorySpace> make);

    /** Returns host memory. */
    MemorySpace hostSpace();

    /** Returns the caller's own threads for host work; empty if the backend may start its own. */
    Optional<Executor> executor();

    /** Returns how many threads may work at once, 1 or more. */
    int parallelism();

    /** Returns a directory for files worth keeping between processes (compiled kernels); empty for none. */
    Optional<Path> cacheDirectory();
}
