package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Pinned buffers that wait for their next use, since allocating one takes longer than a plan. Those given back first are
 * looked at first: their copies are the likeliest to be done.
 *
 * @since 0.1
 */
@Evolving
public final class PinnedShelf implements AutoCloseable {
    private static final int MOST_KEPT = 64;
    private static final long MOST_BYTES = 128L << 20;
    private static final long LEAST_BYTES = 1 << 14;
    private static final int MOST_ASKED = 2; // a call of the driver each; of two queues one may be far behind

    private final CudaContext context;
    private final Deque<PinnedBuffer> shelf = new ArrayDeque<>();
    private long bytes;

    PinnedShelf(CudaContext context) {
        this.context = context;
    }

    /**
     * Returns a buffer of at least so many bytes that no copy uses any more. If the device is so far behind that all
     * that may be kept is in use, waits for the copy of one.
     */
    public PinnedBuffer take(long byteSize) {
        PinnedBuffer oldest = null;
        synchronized (shelf) {
            int asked = 0;
            for (var i = shelf.iterator(); i.hasNext() && asked < MOST_ASKED;) {
                PinnedBuffer buffer = i.next();
                long has = buffer.byteSize();
                // Not one much too large: somebody else may need it.
                if (has >= byteSize && has <= Math.max(LEAST_BYTES, 4 * byteSize)) {
                    asked++;
                    oldest = oldest == null ? buffer : oldest;
                    if (buffer.isIdle()) {
                        i.remove();
                        bytes -= has;
                        return buffer;
                    }
                }
            }
            oldest = shelf.size() < MOST_KEPT && bytes < MOST_BYTES ? null : removed(oldest);
        }
        if (oldest != null) {
            oldest.awaitCopy();
            return oldest;
        }
        return new PinnedBuffer(context,
                Math.max(LEAST_BYTES, Long.highestOneBit(Math.max(1, byteSize - 1)) << 1));
    }

    private @Nullable PinnedBuffer removed(@Nullable PinnedBuffer buffer) {
        if (buffer != null) {
            shelf.remove(buffer);
            bytes -= buffer.byteSize();
        }
        return buffer;
    }

    /** Takes a buffer back; it is given out again when its last copy is done. */
    public void giveBack(PinnedBuffer buffer) {
        PinnedBuffer oldest = null;
        synchronized (shelf) {
            shelf.addLast(buffer);
            bytes += buffer.byteSize();
            if (shelf.size() > MOST_KEPT || bytes > MOST_BYTES) {
                oldest = removed(shelf.getFirst());
            }
        }
        if (oldest != null) {
            oldest.close();
        }
    }

    @Override
    public void close() {
        synchronized (shelf) {
            shelf.forEach(PinnedBuffer::close);
            shelf.clear();
            bytes = 0;
        }
    }
}
