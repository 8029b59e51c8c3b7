package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import java.util.concurrent.atomic.AtomicBoolean;
import org.lwjgl.opencl.CL10;
import org.lwjgl.system.MemoryUtil;

/**
 * A kernel with its arguments, for one thread at a time. Setting arguments and launching allocate nothing.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClKernel implements AutoCloseable {
    private static final int BUFFER = 0; // of the scratch memory: a handle, then global and local size
    private static final int GLOBAL = 8;
    private static final int LOCAL = 16;
    private static final int SCRATCH_BYTES = 24;

    private final String name;
    private final long handle;
    private final long scratch = MemoryUtil.nmemAllocChecked(SCRATCH_BYTES);
    private final AtomicBoolean closed = new AtomicBoolean();

    OpenClKernel(String name, long handle) {
        this.name = name;
        this.handle = handle;
    }

    /** Sets an argument to a buffer; several kernels may use it at once. */
    public void setBuffer(int index, OpenClBuffer buffer) {
        MemoryUtil.memPutAddress(scratch + BUFFER, buffer.handle());
        Info.check(CL10.nclSetKernelArg(handle(), index, Long.BYTES, scratch + BUFFER), "clSetKernelArg",
                name);
    }

    /** Sets an argument to bytes of native memory: a number or a struct. */
    public void setBytes(int index, long address, int byteSize) {
        Info.check(CL10.nclSetKernelArg(handle(), index, byteSize, address), "clSetKernelArg", name);
    }

    /** Enqueues {@code groups} work-groups of {@code groupSize} work-items each. */
    public void launch(OpenClQueue queue, int groups, int groupSize) {
        MemoryUtil.memPutLong(scratch + GLOBAL, (long) groups * groupSize);
        MemoryUtil.memPutLong(scratch + LOCAL, groupSize);
        int code =
                CL10.nclEnqueueNDRangeKernel(queue.handle(), handle(), 1, MemoryUtil.NULL, scratch + GLOBAL,
                        scratch + LOCAL, 0, MemoryUtil.NULL, MemoryUtil.NULL);
        if (code != CL10.CL_SUCCESS) {
            throw new OpenClException("clEnqueueNDRangeKernel", code,
                    name + ", " + groups + " work-groups of " + groupSize);
        }
    }

    private long handle() {
        if (closed.get()) {
            throw new IllegalStateException("kernel " + name + " is closed");
        }
        return handle;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            CL10.clReleaseKernel(handle);
            MemoryUtil.nmemFree(scratch);
        }
    }
}
