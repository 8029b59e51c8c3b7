package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of a device's memory.
 *
 * @since 0.1
 */
@Evolving
public final class CudaBuffer implements Buffer {
    private final MemorySpaceId space;
    private final long address;
    private final long byteSize;
    private final @Nullable CudaMemorySpace owner; // who frees it; null: somebody else's
    private final AtomicBoolean closed = new AtomicBoolean();

    CudaBuffer(MemorySpaceId space, long address, long byteSize, @Nullable CudaMemorySpace owner) {
        this.space = space;
        this.address = address;
        this.byteSize = byteSize;
        this.owner = owner;
    }

    /**
     * Returns a view of memory that somebody else owns, as an engine's KV cache; closing it frees nothing.
     *
     * @param address a {@code CUdeviceptr} of the space's device
     */
    public static CudaBuffer wrap(CudaMemorySpace space, long address, long byteSize) {
        return new CudaBuffer(space.id(), address, byteSize, null);
    }

    /**
     * Returns the device address.
     *
     * @throws IllegalStateException if this buffer is closed
     */
    public long address() {
        if (closed.get()) {
            throw new IllegalStateException("a buffer of " + space + " is closed");
        }
        return address;
    }

    @Override
    public MemorySpaceId space() {
        return space;
    }

    @Override
    public long byteSize() {
        return byteSize;
    }

    @Override
    public boolean isOpen() {
        return !closed.get();
    }

    /** Frees the memory once all work of the device that was enqueued before is done. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true) && owner != null) {
            owner.free(this, address, null);
        }
    }

    /** Frees the memory in the order of a queue, without waiting; only that queue's work may still use it. */
    public void closeOn(CudaQueue queue) {
        if (closed.compareAndSet(false, true) && owner != null) {
            owner.free(this, address, queue);
        }
    }
}
