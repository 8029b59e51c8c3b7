package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Device memory that waits for its next use on the queue that used it last. What that queue does next comes after what
 * it did before, so giving memory back and taking it again needs no call of the driver.
 *
 * <p>Memory of a queue that the caller lends is freed at once: the caller may destroy the stream.
 *
 * @since 0.1
 */
@Evolving
public final class DeviceShelf {
    private static final int MOST_KEPT = 64;
    private static final long MOST_BYTES = 64L << 20;
    private static final long MOST_BYTES_OF_ONE = 16L << 20;
    private static final long LEAST_BYTES = 1 << 16;

    private final CudaMemorySpace space;
    private final CudaQueue idle;
    private final Deque<Kept> shelf = new ArrayDeque<>();
    private long bytes;

    /**
     * Makes an empty shelf.
     *
     * @param idle a queue without work, for memory whose queue is closed
     */
    DeviceShelf(CudaMemorySpace space, CudaQueue idle) {
        this.space = space;
        this.idle = idle;
    }

    private record Kept(CudaBuffer buffer, CudaQueue queue) {}

    /** Returns a buffer of at least so many bytes for work of one queue. */
    public CudaBuffer take(CudaQueue queue, long byteSize) {
        synchronized (shelf) {
            for (var i = shelf.iterator(); i.hasNext();) {
                Kept kept = i.next();
                long has = kept.buffer().byteSize();
                // Not one much too large: somebody else may need it.
                if (kept.queue() == queue && has >= byteSize && has <= Math.max(LEAST_BYTES, 4 * byteSize)) {
                    i.remove();
                    bytes -= has;
                    return kept.buffer();
                }
            }
        }
        // Page tables grow from step to step: what is made now should do for a while.
        return space.allocateOn(queue, byteSize > MOST_BYTES_OF_ONE ? byteSize
                : Math.max(LEAST_BYTES, Long.highestOneBit(Math.max(1, byteSize - 1)) << 1), 256);
    }

    /** Takes a buffer back when the queue's last work with it is enqueued. */
    public void giveBack(CudaBuffer buffer, CudaQueue queue) {
        if (queue.isLent() || buffer.byteSize() > MOST_BYTES_OF_ONE) {
            buffer.closeOn(queue);
            return;
        }
        List<Kept> tooMuch = new ArrayList<>(0);
        synchronized (shelf) {
            shelf.addLast(new Kept(buffer, queue));
            bytes += buffer.byteSize();
            while (shelf.size() > MOST_KEPT || bytes > MOST_BYTES) {
                Kept oldest = shelf.removeFirst();
                bytes -= oldest.buffer().byteSize();
                tooMuch.add(oldest);
            }
        }
        for (Kept kept : tooMuch) {
            kept.buffer().closeOn(kept.queue().isClosed() ? idle : kept.queue());
        }
    }

    /** Returns how many buffers wait. */
    int size() {
        synchronized (shelf) {
            return shelf.size();
        }
    }
}
