package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import org.lwjgl.opencl.CL10;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/**
 * A buffer's bytes as the host sees them.
 *
 * @since 0.1
 */
@Evolving
public final class MappedBuffer implements AutoCloseable {
    private final OpenClBuffer buffer;
    private final OpenClQueue queue;
    private final long address;
    private final MemorySegment segment;
    private final Arena scope = Arena.ofShared(); // so that use after close is refused by the segment itself
    private final AtomicBoolean closed = new AtomicBoolean();

    private MappedBuffer(OpenClBuffer buffer, OpenClQueue queue, long address) {
        this.buffer = buffer;
        this.queue = queue;
        this.address = address;
        this.segment = MemorySegment.ofAddress(address).reinterpret(buffer.byteSize(), scope, null);
    }

    static MappedBuffer map(OpenClBuffer buffer, OpenClQueue queue) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long address = CL10.nclEnqueueMapBuffer(queue.handle(), buffer.handle(), CL10.CL_TRUE,
                    CL10.CL_MAP_READ | CL10.CL_MAP_WRITE, 0, Math.max(1, buffer.byteSize()), 0,
                    MemoryUtil.NULL,
                    MemoryUtil.NULL, code);
            Info.check(MemoryUtil.memGetInt(code), "clEnqueueMapBuffer", buffer.byteSize() + " bytes");
            return new MappedBuffer(buffer, queue, address);
        }
    }

    /**
     * Returns the bytes.
     *
     * @throws IllegalStateException if they have been given back
     */
    public MemorySegment segment() {
        if (closed.get() || !buffer.isOpen()) {
            throw new IllegalStateException("the mapped buffer of " + buffer.space() + " is closed");
        }
        return segment;
    }

    /** Gives the bytes back in the order of the queue; what the host wrote is there for work enqueued after. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        scope.close();
        if (buffer.isOpen()) {
            Info.check(CL10.nclEnqueueUnmapMemObject(queue.handle(), buffer.handle(), address, 0,
                    MemoryUtil.NULL,
                    MemoryUtil.NULL), "clEnqueueUnmapMemObject", "");
        }
    }
}
