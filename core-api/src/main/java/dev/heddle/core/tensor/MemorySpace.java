package dev.heddle.core.tensor;

import dev.heddle.core.Evolving;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Allocates, copies and owns buffers of one memory, and makes the queues that order work on it. Two backends may
 * share a space (both CUDA backends read {@code cuda:0}), so that a KV cache allocated once is run by either.
 *
 * <p>All methods may be called from any thread. Copies are ordered on the queue they are given; on the host they
 * complete at once.
 *
 * @since 0.1
 */
@Evolving
public interface MemorySpace extends AutoCloseable {
    /** Returns this space's name. */
    MemorySpaceId id();

    /**
     * Allocates bytes; their content is unspecified.
     *
     * @param byteSize size in bytes, 0 or more
     * @param byteAlignment a power of two
     * @throws OutOfDeviceMemoryException if the space has too little left; the message says how much was asked for
     * @throws IllegalStateException if this space is closed
     */
    Buffer allocate(long byteSize, long byteAlignment);

    /** Copies {@code source} to {@code target} at a byte offset, in the order of {@code queue}. */
    void copyFromHost(MemorySegment source, Buffer target, long targetOffset, ExecutionQueue queue);

    /** Copies bytes of {@code source} from a byte offset until {@code target} is full, in the order of the queue. */
    void copyToHost(Buffer source, long sourceOffset, MemorySegment target, ExecutionQueue queue);

    /** Copies bytes inside this space, in the order of {@code queue}. The ranges must not overlap. */
    void copy(Buffer source, long sourceOffset, Buffer target, long targetOffset, long byteSize,
            ExecutionQueue queue);

    /** Returns the queue used where none is named. It lives as long as the space. */
    ExecutionQueue defaultQueue();

    /** Makes a queue of its own order; the caller closes it. */
    ExecutionQueue newQueue();

    /** Returns what times work by the device's clock; empty where there is none, as on the host. */
    default Optional<DeviceMeter> meter() {
        return Optional.empty();
    }

    /** Frees every buffer that is still open and the space's own resources. */
    @Override
    void close();
}
