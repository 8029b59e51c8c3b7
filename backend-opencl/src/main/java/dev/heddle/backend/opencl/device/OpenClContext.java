package dev.heddle.backend.opencl.device;

import java.util.concurrent.atomic.AtomicBoolean;
import org.lwjgl.opencl.CL10;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/** OpenCL's context of one device, owned by the memory space. */
final class OpenClContext implements AutoCloseable {
    private final OpenClDevice device;
    private final long handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    OpenClContext(OpenClDevice device) {
        this.device = device;
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long properties = stack.nmalloc(Long.BYTES, 3 * Long.BYTES);
            MemoryUtil.memPutLong(properties, CL10.CL_CONTEXT_PLATFORM);
            MemoryUtil.memPutAddress(properties + Long.BYTES, device.platform());
            MemoryUtil.memPutLong(properties + 2 * Long.BYTES, 0);
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long list = stack.nmalloc(Long.BYTES, Long.BYTES);
            MemoryUtil.memPutAddress(list, device.device());
            this.handle = CL10.nclCreateContext(properties, 1, list, MemoryUtil.NULL, MemoryUtil.NULL, code);
            Info.check(MemoryUtil.memGetInt(code), "clCreateContext", device.name());
        }
    }

    OpenClDevice device() {
        return device;
    }

    long handle() {
        if (closed.get()) {
            throw new IllegalStateException("memory space " + device.space() + " is closed");
        }
        return handle;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            CL10.clReleaseContext(handle);
        }
    }
}
