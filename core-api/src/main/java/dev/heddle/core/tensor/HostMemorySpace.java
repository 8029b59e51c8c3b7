package dev.heddle.core.tensor;

import dev.heddle.core.Stable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The memory of the JVM's own machine. Each buffer lies in an arena of its own and is freed when it, or the
 * space, is closed. Work on the host completes before the call returns, so its queue never waits.
 *
 * @since 0.1
 */
@Stable
public final class HostMemorySpace implements MemorySpace {
    private final Supplier<Arena> arenas;
    private final boolean largePages;
    private final Set<HostBuffer> open = ConcurrentHashMap.newKeySet();
    private final ExecutionQueue queue = new HostQueue(true);
    private volatile boolean closed;

    /**
     * Makes a space whose buffers each own a shared arena. On Linux, buffers of 8 MB and more lie on pages of 2 MB if
     * the kernel grants them and this module may call native code ({@code --enable-native-access=dev.heddle.core}, or
     * {@code ALL-UNNAMED} on the class path): attention over them is up to a third faster.
     */
    public HostMemorySpace() {
        this(Arena::ofShared, true);
    }

    /**
     * Makes a space that takes its arenas from the caller.
     *
     * @param arenas asked once for each buffer; the arena is closed with the buffer, so it must be closeable and
     *     not shared with other allocations
     */
    public HostMemorySpace(Supplier<Arena> arenas) {
        this(arenas, false); // what these arenas hand out need not be anonymous memory
    }

    private HostMemorySpace(Supplier<Arena> arenas, boolean largePages) {
        this.arenas = arenas;
        this.largePages = largePages;
    }

    @Override
    public MemorySpaceId id() {
        return MemorySpaceId.HOST;
    }

    @Override
    public HostBuffer allocate(long byteSize, long byteAlignment) {
        if (closed) {
            throw new IllegalStateException("host memory space is closed");
        }
        if (byteSize < 0) {
            throw new IllegalArgumentException("byteSize must be 0 or more, got " + byteSize);
        }
        if (byteAlignment < 1 || Long.bitCount(byteAlignment) != 1) {
            throw new IllegalArgumentException("byteAlignment must be a power of two, got " + byteAlignment);
        }
        Arena arena = arenas.get();
        MemorySegment segment;
        try {
            segment = arena.allocate(byteSize,
                    largePages ? LargePages.alignment(byteSize, byteAlignment) : byteAlignment);
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new OutOfDeviceMemoryException(id(), byteSize,
                    "raise the JVM's -XX:MaxDirectMemorySize or the machine's memory, or ask for fewer pages",
                    e);
        }
        if (largePages) {
            LargePages.advise(segment);
        }
        HostBuffer buffer = HostBuffer.owning(segment, arena, open::remove);
        open.add(buffer);
        if (closed) { // by another thread, which may have missed this buffer
            buffer.close();
            throw new IllegalStateException("host memory space is closed");
        }
        return buffer;
    }

    @Override
    public void copyFromHost(MemorySegment source, Buffer target, long targetOffset, ExecutionQueue queue) {
        MemorySegment.copy(source, 0, host(target), targetOffset, source.byteSize());
    }

    @Override
    public void copyToHost(Buffer source, long sourceOffset, MemorySegment target, ExecutionQueue queue) {
        MemorySegment.copy(host(source), sourceOffset, target, 0, target.byteSize());
    }

    @Override
    public void copy(
            Buffer source, long sourceOffset, Buffer target, long targetOffset, long byteSize,
            ExecutionQueue queue) {
        MemorySegment.copy(host(source), sourceOffset, host(target), targetOffset, byteSize);
    }

    @Override
    public ExecutionQueue defaultQueue() {
        return queue;
    }

    @Override
    public ExecutionQueue newQueue() {
        return new HostQueue(false);
    }

    @Override
    public void close() {
        closed = true;
        open.forEach(HostBuffer::close);
    }

    private static MemorySegment host(Buffer buffer) {
        if (buffer instanceof HostBuffer host) {
            return host.segment();
        }
        throw new IllegalArgumentException("host memory space cannot copy a buffer of " + buffer.space()
                + "; use that space's copyToHost or copyFromHost");
    }
}
