package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.concurrent.atomic.AtomicBoolean;
import org.lwjgl.opencl.CL10;

/**
 * Bytes of a device's memory: a {@code cl_mem}.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClBuffer implements Buffer {
    private final OpenClMemorySpace owner;
    private final long handle;
    private final long byteSize;
    private final boolean counted; // in what the space has given out
    private final boolean owned;
    private final AtomicBoolean closed = new AtomicBoolean();

    OpenClBuffer(OpenClMemorySpace owner, long handle, long byteSize, boolean counted, boolean owned) {
        this.owner = owner;
        this.handle = handle;
        this.byteSize = byteSize;
        this.counted = counted;
        this.owned = owned;
    }

    /**
     * Returns OpenCL's handle.
     *
     * @throws IllegalStateException if this buffer is closed
     */
    public long handle() {
        if (closed.get()) {
            throw new IllegalStateException("a buffer of " + owner.id() + " is closed");
        }
        return handle;
    }

    boolean isCounted() {
        return counted;
    }

    @Override
    public MemorySpaceId space() {
        return owner.id();
    }

    @Override
    public long byteSize() {
        return byteSize;
    }

    @Override
    public boolean isOpen() {
        return !closed.get();
    }

    /** Frees the memory once the work that was enqueued before is done; does not wait for it. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            owner.forget(this);
            if (owned) {
                CL10.clReleaseMemObject(handle);
            }
        }
    }
}
