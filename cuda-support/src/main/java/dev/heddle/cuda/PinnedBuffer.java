package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.lwjgl.cuda.CU;

/**
 * Host memory that the device copies from and to without the CPU. It knows whether its last copy is done.
 *
 * @since 0.1
 */
@Evolving
public final class PinnedBuffer implements AutoCloseable {
    private final CudaContext context;
    private final Pointer pointer = new Pointer();
    private final CUevent lastCopy = new CUevent();
    private final long address;
    private final long event;
    private final MemorySegment segment;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Allocates bytes, 1 or more. Slow: keep the buffer. */
    public PinnedBuffer(CudaContext context, long byteSize) {
        this.context = context;
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuMemHostAlloc(pointer, byteSize, 0), "cuMemHostAlloc",
                    byteSize + " bytes");
            int code = JCudaDriver.cuEventCreate(lastCopy, CUevent_flags.CU_EVENT_DISABLE_TIMING);
            if (code != CUresult.CUDA_SUCCESS) {
                JCudaDriver.cuMemFreeHost(pointer);
                context.check(code, "cuEventCreate", "");
            }
        }
        this.address = Handles.address(pointer);
        this.event = Handles.address(lastCopy);
        this.segment = MemorySegment.ofAddress(address).reinterpret(byteSize);
    }

    /** Returns the memory; not to be used after close, nor changed before {@link #awaitCopy} returns. */
    public MemorySegment segment() {
        return segment;
    }

    /** Returns the size in bytes. */
    public long byteSize() {
        return segment.byteSize();
    }

    /** Enqueues a copy of the first bytes to a device buffer. Bound by LWJGL, as launches are: each plan has one. */
    public void copyTo(CudaBuffer target, long targetOffset, long byteSize, CudaQueue queue) {
        try (CudaContext.Scope entered = context.enter()) {
            int code =
                    CU.ncuMemcpyHtoDAsync(target.address() + targetOffset, address, byteSize, queue.handle());
            if (code != CUresult.CUDA_SUCCESS) {
                context.check(code, "cuMemcpyHtoDAsync", byteSize + " bytes");
            }
            context.check(CU.cuEventRecord(event, queue.handle()), "cuEventRecord", "");
        }
    }

    /** Enqueues a copy of a device buffer's bytes to the beginning of this memory. */
    public void copyFrom(CudaBuffer source, long sourceOffset, long byteSize, CudaQueue queue) {
        try (CudaContext.Scope entered = context.enter()) {
            context.check(
                    JCudaDriver.cuMemcpyDtoHAsync(pointer,
                            Handles.devicePointer(source.address() + sourceOffset),
                            byteSize, queue.stream()),
                    "cuMemcpyDtoHAsync", byteSize + " bytes");
            context.check(JCudaDriver.cuEventRecord(lastCopy, queue.stream()), "cuEventRecord", "");
        }
    }

    /** Blocks until the last copy is done. */
    public void awaitCopy() {
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuEventSynchronize(lastCopy), "cuEventSynchronize",
                    "work enqueued before has failed");
        }
    }

    /** Returns whether the last copy is done. */
    public boolean isIdle() {
        try (CudaContext.Scope entered = context.enter()) {
            int code = CU.cuEventQuery(event);
            if (code != CUresult.CUDA_ERROR_NOT_READY) {
                context.check(code, "cuEventQuery", "work enqueued before has failed");
            }
            return code == CUresult.CUDA_SUCCESS;
        }
    }

    /** Frees the memory once the last copy is done. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true) && !context.isBroken()) {
            try (CudaContext.Scope entered = context.enter()) {
                JCudaDriver.cuEventSynchronize(lastCopy);
                JCudaDriver.cuEventDestroy(lastCopy);
                JCudaDriver.cuMemFreeHost(pointer);
            }
        }
    }
}
