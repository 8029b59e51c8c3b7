package dev.heddle.core.tensor;

import dev.heddle.core.Evolving;

/**
 * Times work by the device's own clock, without what the host adds, and from a cold cache: before each run more bytes
 * are written than the device's last-level cache holds. A memory space offers one where its platform can
 * ({@link MemorySpace#meter()}).
 *
 * <p>One thread uses a meter at a time; others wait.
 *
 * @since 0.1
 */
@Evolving
public interface DeviceMeter {
    /**
     * Times work that a runnable enqueues. A few runs go ahead unmeasured; the device is kept busy meanwhile, so that
     * no run waits for the host.
     *
     * @param queue a queue of this meter's space
     * @param enqueue enqueues one run on {@code queue} and does not wait for it
     * @param repeats number of measured runs, 1 or more
     * @return the time of each run in microseconds, in order
     * @throws IllegalArgumentException if {@code repeats} is below 1 or the queue belongs to another space
     */
    double[] micros(ExecutionQueue queue, Runnable enqueue, int repeats);

    /**
     * Times reading so many bytes of device memory once, by the fastest of several kernels that do nothing else, timed
     * as {@link #micros} does: the limit for any work that has to read that much.
     *
     * @param byteSize size in bytes, 16 or more
     * @param repeats number of measured runs, 1 or more
     * @return the time of each run in microseconds, in order
     * @throws IllegalArgumentException if an argument is out of its range
     * @throws OutOfDeviceMemoryException if the device has too little left
     */
    double[] readMicros(long byteSize, int repeats);
}
