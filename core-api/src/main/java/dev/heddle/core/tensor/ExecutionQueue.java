package dev.heddle.core.tensor;

import dev.heddle.core.Evolving;
import java.util.OptionalLong;

/**
 * Work of one memory space in order: a CUDA stream, an OpenCL command queue, or, on the host, nothing but the
 * calling thread.
 *
 * @since 0.1
 */
@Evolving
public interface ExecutionQueue extends AutoCloseable {
    /** Returns the space whose work this queue orders. */
    MemorySpaceId space();

    /** Blocks until everything enqueued before has finished; throws what that work failed with. */
    void synchronize();

    /** Marks this point: the event is complete when everything enqueued before has finished. */
    QueueEvent record();

    /** Makes work enqueued later wait for an event of any queue of the same space. */
    void await(QueueEvent event);

    /** Returns the platform's own handle ({@code CUstream}, {@code cl_command_queue}), empty on the host. */
    default OptionalLong nativeHandle() {
        return OptionalLong.empty();
    }

    /**
     * Records what {@code work} enqueues, without running it, for repeated replay (a CUDA graph).
     *
     * @throws UnsupportedOperationException if this queue cannot; backends declare {@code execution.capture}
     */
    default CapturedWork capture(Runnable work) {
        throw new UnsupportedOperationException("queues of memory space " + space()
                + " cannot capture work; ask for plans without capture, or take a backend that declares it");
    }

    /** Waits for the work and frees the queue if this object owns it. */
    @Override
    void close();
}
