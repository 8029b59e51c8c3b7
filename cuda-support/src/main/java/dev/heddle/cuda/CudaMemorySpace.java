package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DeviceMeter;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.OutOfDeviceMemoryException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUmemoryPool;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one GPU, {@code cuda:N}. Allocations come from a stream-ordered pool of its own.
 *
 * <p>Copies to and from the host go through pinned memory in pieces: {@link #copyFromHost} returns when the source
 * may be changed again, {@link #copyToHost} when the target holds the bytes.
 *
 * @since 0.1
 */
@Evolving
public final class CudaMemorySpace implements MemorySpace {
    private static final long PIECE = 4 << 20;
    private static final long DEVICE_ALIGNMENT = 256; // of every allocation, by the driver's promise

    private final CudaContext context;
    private final CudaQueue defaultQueue;
    private final CudaQueue allocations; // never has work, so waiting for it costs next to nothing
    private final PinnedShelf shelf;
    private final DeviceShelf scratch;
    private final MemoryPool pool;
    private final CUmemoryPool poolHandle;
    private final Set<CudaBuffer> open = ConcurrentHashMap.newKeySet();
    private @Nullable CudaMeter meter; // made when first asked for: it compiles kernels
    private volatile boolean closed;

    /** Makes a space on a context, which it closes with itself. */
    public CudaMemorySpace(CudaContext context) {
        this.context = context;
        this.defaultQueue = CudaQueue.create(context);
        this.allocations = CudaQueue.create(context);
        this.shelf = new PinnedShelf(context);
        this.scratch = new DeviceShelf(this, allocations);
        this.pool = new MemoryPool(context);
        this.poolHandle = pool.pool();
    }

    /** Returns the space of the context's device, shared by all backends of that context. */
    public static CudaMemorySpace shared(BackendContext context) {
        MemorySpaceId id = context.device().space();
        return (CudaMemorySpace) context.memorySpace(id,
                () -> new CudaMemorySpace(CudaContext.retain(id.ordinal())));
    }

    /** Returns the driver's context. */
    public CudaContext context() {
        return context;
    }

    /** Returns pinned buffers for uploads. */
    public PinnedShelf pinned() {
        return shelf;
    }

    /** Returns device memory for plans. */
    public DeviceShelf scratch() {
        return scratch;
    }

    @Override
    public MemorySpaceId id() {
        return context.device().space();
    }

    @Override
    public CudaBuffer allocate(long byteSize, long byteAlignment) {
        CudaBuffer buffer = allocateOn(allocations, byteSize, byteAlignment);
        allocations.synchronize(); // from here on any queue may use it
        return buffer;
    }

    /** Allocates in the order of a queue, without waiting; only that queue's work may use the memory. */
    public CudaBuffer allocateOn(CudaQueue queue, long byteSize, long byteAlignment) {
        if (closed) {
            throw new IllegalStateException("memory space " + id() + " is closed");
        }
        if (byteSize < 0) {
            throw new IllegalArgumentException("byteSize must be 0 or more, got " + byteSize);
        }
        if (byteAlignment < 1 || Long.bitCount(byteAlignment) != 1 || byteAlignment > DEVICE_ALIGNMENT) {
            throw new IllegalArgumentException(
                    "byteAlignment must be a power of two up to " + DEVICE_ALIGNMENT + ", got "
                            + byteAlignment);
        }
        CUdeviceptr pointer = new CUdeviceptr();
        try (CudaContext.Scope entered = context.enter()) {
            int code = JCudaDriver.cuMemAllocFromPoolAsync(pointer, Math.max(1, byteSize), poolHandle,
                    queue.stream());
            if (code == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
                long[] free = new long[1];
                long[] total = new long[1];
                JCudaDriver.cuMemGetInfo(free, total);
                throw new OutOfDeviceMemoryException(id(), byteSize, free[0] + " of " + total[0]
                        + " bytes are free on " + context.device().name()
                        + "; ask for fewer pages, or close what is not"
                        + " needed",
                        new CudaException("cuMemAllocFromPoolAsync", CudaDriver.name(code), code, ""));
            }
            context.check(code, "cuMemAllocFromPoolAsync", byteSize + " bytes");
        }
        CudaBuffer buffer = new CudaBuffer(id(), Handles.address(pointer), byteSize, this);
        open.add(buffer);
        return buffer;
    }

    void free(CudaBuffer buffer, long address, @Nullable CudaQueue queue) {
        open.remove(buffer);
        if (context.isBroken()) {
            return; // the driver has taken everything back
        }
        if (queue == null) {
            context.synchronize(); // some queue may still work on it
        }
        try (CudaContext.Scope entered = context.enter()) {
            context.check(
                    JCudaDriver.cuMemFreeAsync(Handles.devicePointer(address),
                            (queue == null ? allocations : queue).stream()),
                    "cuMemFreeAsync", "");
        }
    }

    /** Enqueues filling bytes of a buffer with one value. */
    public void fill(CudaBuffer target, long offset, long byteSize, byte value, CudaQueue queue) {
        range(target, offset, byteSize);
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuMemsetD8Async(Handles.devicePointer(target.address() + offset), value,
                    byteSize,
                    queue.stream()), "cuMemsetD8Async", byteSize + " bytes");
        }
    }

    @Override
    public void copyFromHost(MemorySegment source, Buffer target, long targetOffset, ExecutionQueue queue) {
        CudaBuffer to = own(target);
        range(to, targetOffset, source.byteSize());
        for (long at = 0; at < source.byteSize(); at += PIECE) {
            long bytes = Math.min(PIECE, source.byteSize() - at);
            PinnedBuffer piece = shelf.take(bytes);
            MemorySegment.copy(source, at, piece.segment(), 0, bytes);
            piece.copyTo(to, targetOffset + at, bytes, own(queue));
            shelf.giveBack(piece);
        }
    }

    @Override
    public void copyToHost(Buffer source, long sourceOffset, MemorySegment target, ExecutionQueue queue) {
        CudaBuffer from = own(source);
        range(from, sourceOffset, target.byteSize());
        for (long at = 0; at < target.byteSize(); at += PIECE) {
            long bytes = Math.min(PIECE, target.byteSize() - at);
            PinnedBuffer piece = shelf.take(bytes);
            piece.copyFrom(from, sourceOffset + at, bytes, own(queue));
            piece.awaitCopy();
            MemorySegment.copy(piece.segment(), 0, target, at, bytes);
            shelf.giveBack(piece);
        }
    }

    @Override
    public void copy(Buffer source, long sourceOffset, Buffer target, long targetOffset, long byteSize,
            ExecutionQueue queue) {
        range(own(source), sourceOffset, byteSize);
        range(own(target), targetOffset, byteSize);
        if (byteSize == 0) {
            return;
        }
        try (CudaContext.Scope entered = context.enter()) {
            context.check(
                    JCudaDriver.cuMemcpyDtoDAsync(Handles.devicePointer(own(target).address() + targetOffset),
                            Handles.devicePointer(own(source).address() + sourceOffset), byteSize,
                            own(queue).stream()),
                    "cuMemcpyDtoDAsync", byteSize + " bytes");
        }
    }

    private static void range(CudaBuffer buffer, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > buffer.byteSize() - bytes) {
            throw new IndexOutOfBoundsException("bytes " + offset + ".." + (offset + bytes)
                    + " are not in a buffer of " + buffer.byteSize() + " bytes");
        }
    }

    private CudaBuffer own(Buffer buffer) {
        if (buffer instanceof CudaBuffer own && own.space().equals(id())) {
            return own;
        }
        throw new IllegalArgumentException(id() + " cannot copy a buffer of " + buffer.space());
    }

    private CudaQueue own(ExecutionQueue queue) {
        if (queue instanceof CudaQueue own && own.space().equals(id())) {
            return own;
        }
        throw new IllegalArgumentException(id() + " cannot use a queue of " + queue.space());
    }

    @Override
    public CudaQueue defaultQueue() {
        return defaultQueue;
    }

    @Override
    public CudaQueue newQueue() {
        return CudaQueue.create(context);
    }

    /**
     * Returns a queue over the caller's own stream, which stays the caller's.
     *
     * @param handle a {@code CUstream} (or {@code cudaStream_t}) of this device
     */
    public CudaQueue wrapStream(long handle) {
        return CudaQueue.wrap(context, handle);
    }

    @Override
    public synchronized Optional<DeviceMeter> meter() {
        if (closed) {
            throw new IllegalStateException("memory space " + id() + " is closed");
        }
        if (meter == null) {
            meter = new CudaMeter(this);
        }
        return Optional.of(meter);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        if (meter != null) {
            meter.close();
        }
        closed = true;
        open.forEach(CudaBuffer::close);
        shelf.close();
        defaultQueue.close();
        allocations.close();
        pool.close();
        context.close();
    }
}
