package dev.heddle.core.tensor;

import dev.heddle.core.Stable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Host memory as a {@link MemorySegment}: native, mapped, or a view of a heap array.
 *
 * @since 0.1
 */
@Stable
public final class HostBuffer implements Buffer {
    private final MemorySegment segment;
    private final @Nullable Arena arena; // owned; null for memory that belongs to the caller
    private final Consumer<HostBuffer> onClose;
    private volatile boolean closed;

    private HostBuffer(MemorySegment segment, @Nullable Arena arena, Consumer<HostBuffer> onClose) {
        this.segment = segment;
        this.arena = arena;
        this.onClose = onClose;
    }

    /** Returns a view of memory that the caller owns; closing the view frees nothing. */
    public static HostBuffer wrap(MemorySegment segment) {
        return new HostBuffer(segment, null, closed -> {});
    }

    /** Returns a view of a float array. */
    public static HostBuffer wrap(float[] array) {
        return wrap(MemorySegment.ofArray(array));
    }

    /** Returns a view of an array of 16-bit elements. */
    public static HostBuffer wrap(short[] array) {
        return wrap(MemorySegment.ofArray(array));
    }

    /** Returns a view of an array of 8-bit elements. */
    public static HostBuffer wrap(byte[] array) {
        return wrap(MemorySegment.ofArray(array));
    }

    static HostBuffer owning(MemorySegment segment, Arena arena, Consumer<HostBuffer> onClose) {
        return new HostBuffer(segment, arena, onClose);
    }

    /**
     * Returns the bytes.
     *
     * @throws IllegalStateException if this buffer is closed
     */
    public MemorySegment segment() {
        if (!isOpen()) {
            throw new IllegalStateException("host buffer of " + segment.byteSize() + " bytes is closed");
        }
        return segment;
    }

    @Override
    public MemorySpaceId space() {
        return MemorySpaceId.HOST;
    }

    @Override
    public long byteSize() {
        return segment.byteSize();
    }

    @Override
    public boolean isOpen() {
        return !closed && segment.scope().isAlive();
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (arena != null) {
            arena.close();
        }
        onClose.accept(this);
    }
}
