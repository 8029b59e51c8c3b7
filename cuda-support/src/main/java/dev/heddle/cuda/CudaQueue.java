package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.CapturedWork;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.QueueEvent;
import java.util.OptionalLong;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * A CUDA stream: one of its own, which does not wait for the legacy default stream, or one that the caller lends.
 *
 * @since 0.1
 */
@Evolving
public final class CudaQueue implements ExecutionQueue {
    private final CudaContext context;
    private final CUstream stream;
    private final long handle;
    private final boolean owned;
    private volatile boolean closed;

    private CudaQueue(CudaContext context, CUstream stream, boolean owned) {
        this.context = context;
        this.stream = stream;
        this.handle = Handles.address(stream);
        this.owned = owned;
    }

    static CudaQueue create(CudaContext context) {
        CUstream stream = new CUstream();
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING),
                    "cuStreamCreate",
                    "");
        }
        return new CudaQueue(context, stream, true);
    }

    static CudaQueue wrap(CudaContext context, long handle) {
        return new CudaQueue(context, Handles.stream(handle), false);
    }

    CUstream stream() {
        if (closed) {
            throw new IllegalStateException("a queue of " + space() + " is closed");
        }
        return stream;
    }

    /** Returns the stream as LWJGL's calls take it. */
    long handle() {
        if (closed) {
            throw new IllegalStateException("a queue of " + space() + " is closed");
        }
        return handle;
    }

    /** Returns whether the stream is the caller's. */
    boolean isLent() {
        return !owned;
    }

    boolean isClosed() {
        return closed;
    }

    CudaContext context() {
        return context;
    }

    @Override
    public MemorySpaceId space() {
        return context.device().space();
    }

    @Override
    public void synchronize() {
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuStreamSynchronize(stream()), "cuStreamSynchronize",
                    "work enqueued before has failed");
        }
    }

    @Override
    public CudaEvent record() {
        return CudaEvent.record(this, CUevent_flags.CU_EVENT_DISABLE_TIMING);
    }

    /** Marks this point and its time on the device; see {@link CudaEvent#microsSince}. */
    public CudaEvent recordTime() {
        return CudaEvent.record(this, CUevent_flags.CU_EVENT_DEFAULT);
    }

    @Override
    public void await(QueueEvent event) {
        if (!(event instanceof CudaEvent own)) {
            throw new IllegalArgumentException("a queue of " + space() + " cannot wait for " + event);
        }
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuStreamWaitEvent(stream(), own.handle(), 0), "cuStreamWaitEvent", "");
        }
    }

    @Override
    public OptionalLong nativeHandle() {
        return OptionalLong.of(handle());
    }

    @Override
    public CapturedWork capture(Runnable work) {
        return CudaGraph.capture(this, work);
    }

    @Override
    public void close() {
        if (closed || !owned) {
            return;
        }
        if (!context.isBroken()) {
            synchronize();
            try (CudaContext.Scope entered = context.enter()) {
                JCudaDriver.cuStreamDestroy(stream);
            }
        }
        closed = true;
    }
}
