package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.QueueEvent;
import java.util.concurrent.atomic.AtomicBoolean;
import jcuda.driver.CUevent;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/**
 * A point in a stream.
 *
 * @since 0.1
 */
@Evolving
public final class CudaEvent implements QueueEvent {
    private final CudaContext context;
    private final CUevent event = new CUevent();
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaEvent(CudaContext context) {
        this.context = context;
    }

    static CudaEvent record(CudaQueue queue, int flags) {
        CudaEvent made = new CudaEvent(queue.context());
        try (CudaContext.Scope entered = made.context.enter()) {
            made.context.check(JCudaDriver.cuEventCreate(made.event, flags), "cuEventCreate", "");
            made.context.check(JCudaDriver.cuEventRecord(made.event, queue.stream()), "cuEventRecord", "");
        }
        return made;
    }

    CUevent handle() {
        if (closed.get()) {
            throw new IllegalStateException("an event of cuda:" + context.device().ordinal() + " is closed");
        }
        return event;
    }

    @Override
    public boolean isComplete() {
        try (CudaContext.Scope entered = context.enter()) {
            int code = JCudaDriver.cuEventQuery(handle());
            if (code == CUresult.CUDA_ERROR_NOT_READY) {
                return false;
            }
            context.check(code, "cuEventQuery", "work enqueued before has failed");
            return true;
        }
    }

    @Override
    public void synchronize() {
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuEventSynchronize(handle()), "cuEventSynchronize",
                    "work enqueued before has failed");
        }
    }

    /**
     * Returns the device's time between two points, both made by {@link CudaQueue#recordTime} and complete.
     *
     * @return microseconds
     */
    public double microsSince(CudaEvent earlier) {
        float[] millis = new float[1];
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuEventElapsedTime(millis, earlier.handle(), handle()),
                    "cuEventElapsedTime", "");
        }
        return millis[0] * 1e3;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true) && !context.isBroken()) {
            try (CudaContext.Scope entered = context.enter()) {
                JCudaDriver.cuEventDestroy(event);
            }
        }
    }
}
