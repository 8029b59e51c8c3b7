package dev.heddle.core.tensor;

import dev.heddle.core.Evolving;

/**
 * A range of bytes of one memory space. Host buffers are {@link HostBuffer}; a device space returns its own
 * opaque implementation, which only its backends look into.
 *
 * <p>Whoever allocated a buffer closes it. Closing twice is harmless; using a closed buffer is an {@link
 * IllegalStateException}.
 *
 * @since 0.1
 */
@Evolving
public interface Buffer extends AutoCloseable {
    /** Returns the space that these bytes lie in. */
    MemorySpaceId space();

    /** Returns the size in bytes. */
    long byteSize();

    /** Returns whether the memory is still there. */
    boolean isOpen();

    /** Frees the memory if this buffer owns it. */
    @Override
    void close();
}
