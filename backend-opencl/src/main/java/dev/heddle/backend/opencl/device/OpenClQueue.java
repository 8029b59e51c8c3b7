package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.QueueEvent;
import java.util.OptionalLong;
import org.lwjgl.opencl.CL10;
import org.lwjgl.opencl.CL12;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/**
 * An in-order command queue: one of its own, or one that the caller lends.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClQueue implements ExecutionQueue {
    private final OpenClDevice device;
    private final MemorySpaceId space;
    private final long handle;
    private final boolean owned;
    private boolean closed; // guarded by this: two threads may close

    private OpenClQueue(OpenClDevice device, long handle, boolean owned) {
        this.device = device;
        this.space = device.space();
        this.handle = handle;
        this.owned = owned;
    }

    /** Makes a queue that keeps the times of its events. */
    static OpenClQueue create(OpenClContext context) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long handle = CL10.nclCreateCommandQueue(context.handle(), context.device().device(),
                    CL10.CL_QUEUE_PROFILING_ENABLE, code);
            Info.check(MemoryUtil.memGetInt(code), "clCreateCommandQueue", context.device().name());
            return new OpenClQueue(context.device(), handle, true);
        }
    }

    static OpenClQueue wrap(OpenClDevice device, long handle) {
        return new OpenClQueue(device, handle, false);
    }

    /** Returns OpenCL's handle. */
    synchronized long handle() {
        if (closed) {
            throw new IllegalStateException("a queue of " + space() + " is closed");
        }
        return handle;
    }

    /** Returns the device that works on it. */
    public OpenClDevice device() {
        return device;
    }

    @Override
    public MemorySpaceId space() {
        return space;
    }

    @Override
    public void synchronize() {
        Info.check(CL10.clFinish(handle()), "clFinish", "work enqueued before has failed");
    }

    /** Hands over what is enqueued, without waiting for it; drivers may otherwise wait for more. */
    public void flush() {
        Info.check(CL10.clFlush(handle()), "clFlush", "");
    }

    @Override
    public OpenClEvent record() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long event = stack.ncalloc(Long.BYTES, 1, Long.BYTES);
            Info.check(CL12.nclEnqueueMarkerWithWaitList(handle(), 0, MemoryUtil.NULL, event),
                    "clEnqueueMarkerWithWaitList", "");
            flush(); // whoever waits for the event on another queue would wait for ever
            return new OpenClEvent(device, MemoryUtil.memGetAddress(event));
        }
    }

    @Override
    public void await(QueueEvent event) {
        if (!(event instanceof OpenClEvent own) || !own.device().equals(device)) {
            throw new IllegalArgumentException("a queue of " + space() + " cannot wait for " + event);
        }
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long list = stack.nmalloc(Long.BYTES, Long.BYTES);
            MemoryUtil.memPutAddress(list, own.handle());
            Info.check(CL12.nclEnqueueBarrierWithWaitList(handle(), 1, list, MemoryUtil.NULL),
                    "clEnqueueBarrierWithWaitList", "");
        }
    }

    @Override
    public OptionalLong nativeHandle() {
        return OptionalLong.of(handle());
    }

    @Override
    public synchronized void close() {
        if (closed || !owned) {
            return;
        }
        closed = true;
        int code = CL10.clFinish(handle);
        CL10.clReleaseCommandQueue(handle);
        Info.check(code, "clFinish", "work enqueued before has failed");
    }
}
