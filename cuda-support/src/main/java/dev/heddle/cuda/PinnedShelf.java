package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Pinned buffers that wait for their next use, since allocating one takes longer than a plan.
 *
 * @since 0.1
 */
@Evolving
public final class PinnedShelf implements AutoCloseable {
    private static final int MOST_KEPT = 64;
    private static final long LEAST_BYTES = 1 << 14;

    private final CudaContext context;
    private final Deque<PinnedBuffer> shelf = new ArrayDeque<>();

    PinnedShelf(CudaContext context) {
        this.context = context;
    }

    /** Returns a buffer of at least so many bytes that no copy uses any more. */
    public PinnedBuffer take(long byteSize) {
        synchronized (shelf) {
            for (var i = shelf.iterator(); i.hasNext();) {
                PinnedBuffer buffer = i.next();
                long has = buffer.segment().byteSize();
                // Not one much too large: somebody else may need it.
                if (has >= byteSize && has <= Math.max(LEAST_BYTES, 4 * byteSize) && buffer.isIdle()) {
                    i.remove();
                    return buffer;
                }
            }
        }
        return new PinnedBuffer(context,
                Math.max(LEAST_BYTES, Long.highestOneBit(Math.max(1, byteSize - 1)) << 1));
    }

    /** Takes a buffer back; it is given out again when its last copy is done. */
    public void giveBack(PinnedBuffer buffer) {
        PinnedBuffer oldest = null;
        synchronized (shelf) {
            shelf.addLast(buffer);
            if (shelf.size() > MOST_KEPT) {
                oldest = shelf.removeFirst();
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
        }
    }
}
