package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.QueueEvent;
import java.util.concurrent.atomic.AtomicBoolean;
import org.lwjgl.opencl.CL10;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/**
 * A point in a command queue.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClEvent implements QueueEvent {
    private final OpenClDevice device;
    private final long handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    OpenClEvent(OpenClDevice device, long handle) {
        this.device = device;
        this.handle = handle;
    }

    OpenClDevice device() {
        return device;
    }

    long handle() {
        if (closed.get()) {
            throw new IllegalStateException("an event of " + device.space() + " is closed");
        }
        return handle;
    }

    @Override
    public boolean isComplete() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long status = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            Info.check(CL10.nclGetEventInfo(handle(), CL10.CL_EVENT_COMMAND_EXECUTION_STATUS, Integer.BYTES,
                    status,
                    MemoryUtil.NULL), "clGetEventInfo", "");
            int state = MemoryUtil.memGetInt(status);
            if (state < 0) {
                throw new OpenClException("work enqueued before", state, "");
            }
            return state == CL10.CL_COMPLETE;
        }
    }

    @Override
    public void synchronize() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long list = stack.nmalloc(Long.BYTES, Long.BYTES);
            MemoryUtil.memPutAddress(list, handle());
            Info.check(CL10.nclWaitForEvents(1, list), "clWaitForEvents", "work enqueued before has failed");
        }
    }

    /** Returns the device's time at this point in nanoseconds, of a complete event of a queue that keeps times. */
    long nanos() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long time = stack.ncalloc(Long.BYTES, 1, Long.BYTES);
            Info.check(
                    CL10.nclGetEventProfilingInfo(handle(), CL10.CL_PROFILING_COMMAND_END, Long.BYTES, time,
                            MemoryUtil.NULL),
                    "clGetEventProfilingInfo", "");
            return MemoryUtil.memGetLong(time);
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            CL10.clReleaseEvent(handle);
        }
    }
}
