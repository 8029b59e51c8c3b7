package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DeviceMeter;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.OutOfDeviceMemoryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.lwjgl.opencl.CL10;
import org.lwjgl.opencl.CL12;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/**
 * The memory of one OpenCL device, {@code opencl:N}.
 *
 * <p>{@link #copyFromHost} returns when the source may be changed again, {@link #copyToHost} when the target holds the
 * bytes. On devices that share the host's memory neither is needed: {@link #wrap} makes a buffer of memory that is
 * there, {@link #map} shows a buffer's bytes to the host.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClMemorySpace implements MemorySpace {
    private static final Set<Integer> NO_ROOM = Set.of(CL10.CL_MEM_OBJECT_ALLOCATION_FAILURE,
            CL10.CL_OUT_OF_RESOURCES, CL10.CL_OUT_OF_HOST_MEMORY, CL10.CL_INVALID_BUFFER_SIZE);

    private final OpenClContext context;
    private final MemorySpaceId id; // kept: every run asks for it
    private final OpenClQueue defaultQueue;
    private final OpenClQueue transfers; // for what must be done before a call returns, whatever else is enqueued
    private final Set<OpenClBuffer> open = ConcurrentHashMap.newKeySet();
    private final AtomicLong given = new AtomicLong();
    private @Nullable OpenClMeter meter; // made when first asked for: it compiles kernels
    private volatile boolean closed;

    /** Makes a space on a device. */
    public OpenClMemorySpace(OpenClDevice device) {
        this.context = new OpenClContext(device);
        this.id = device.space();
        try {
            this.defaultQueue = OpenClQueue.create(context);
            this.transfers = OpenClQueue.create(context);
        } catch (OpenClException e) {
            context.close();
            throw e;
        }
    }

    /**
     * Returns the space of the context's device, shared by all backends of that context.
     *
     * @throws IllegalStateException if the device is no longer there
     */
    public static OpenClMemorySpace shared(BackendContext context) {
        MemorySpaceId id = context.device().space();
        return (OpenClMemorySpace) context.memorySpace(id, () -> {
            if (OpenClDevices.probe() instanceof OpenClDevices.Probe.Found found
                    && id.ordinal() < found.devices().size()) {
                return new OpenClMemorySpace(found.devices().get(id.ordinal()));
            }
            throw new IllegalStateException("device " + id + " is no longer there");
        });
    }

    /** Returns the device. */
    public OpenClDevice device() {
        return context.device();
    }

    OpenClContext context() {
        return context;
    }

    @Override
    public MemorySpaceId id() {
        return id;
    }

    @Override
    public OpenClBuffer allocate(long byteSize, long byteAlignment) {
        requireOpen();
        if (byteSize < 0) {
            throw new IllegalArgumentException("byteSize must be 0 or more, got " + byteSize);
        }
        if (byteAlignment < 1 || Long.bitCount(byteAlignment) != 1) {
            throw new IllegalArgumentException("byteAlignment must be a power of two, got " + byteAlignment);
        }
        OpenClDevice device = device();
        if (byteSize > device.largestBuffer()) {
            throw new OutOfDeviceMemoryException(id(), byteSize, device.name() + " allows "
                    + device.largestBuffer()
                    + " bytes in one buffer; split the KV cache into several segments, or ask for fewer pages",
                    new OpenClException("clCreateBuffer", CL10.CL_INVALID_BUFFER_SIZE, byteSize + " bytes"));
        }
        if (given.addAndGet(byteSize) > device.memoryBytes()) {
            throw noRoom(byteSize, CL10.CL_MEM_OBJECT_ALLOCATION_FAILURE);
        }
        // Where the device works in the host's memory, so does everybody: nothing is copied on a map.
        long flags = CL10.CL_MEM_READ_WRITE | (device.sharesHostMemory() ? CL10.CL_MEM_ALLOC_HOST_PTR : 0);
        OpenClBuffer buffer;
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long handle =
                    CL10.nclCreateBuffer(context.handle(), flags, Math.max(1, byteSize), MemoryUtil.NULL,
                            code);
            if (NO_ROOM.contains(MemoryUtil.memGetInt(code))) {
                throw noRoom(byteSize, MemoryUtil.memGetInt(code));
            }
            Info.check(MemoryUtil.memGetInt(code), "clCreateBuffer", byteSize + " bytes");
            buffer = new OpenClBuffer(this, handle, byteSize, true, true);
            open.add(buffer);
            if (!device.sharesHostMemory()) {
                settle(buffer, stack);
            }
        }
        return buffer;
    }

    /** Drivers allocate at first use; what does not fit should be known now, not in the middle of a run. */
    private void settle(OpenClBuffer buffer, MemoryStack stack) {
        long list = stack.nmalloc(Long.BYTES, Long.BYTES);
        MemoryUtil.memPutAddress(list, buffer.handle());
        int code = CL12.nclEnqueueMigrateMemObjects(transfers.handle(), 1, list,
                CL12.CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED, 0, MemoryUtil.NULL, MemoryUtil.NULL);
        if (code == CL10.CL_SUCCESS) {
            code = CL10.clFinish(transfers.handle());
        }
        if (code != CL10.CL_SUCCESS) {
            buffer.close();
            given.addAndGet(buffer.byteSize()); // noRoom takes it back
            throw noRoom(buffer.byteSize(), code);
        }
    }

    private OutOfDeviceMemoryException noRoom(long byteSize, int code) {
        long before = given.addAndGet(-byteSize);
        return new OutOfDeviceMemoryException(id(), byteSize, before + " of " + device().memoryBytes()
                + " bytes are in use on " + device().name()
                + "; ask for fewer pages, or close what is not needed",
                new OpenClException("clCreateBuffer", code, byteSize + " bytes"));
    }

    /** Makes a buffer that holds numbers from the start; waits for no queue. */
    public OpenClBuffer allocateFilled(float[] values) {
        requireOpen();
        try (Arena arena = Arena.ofConfined(); MemoryStack stack = MemoryStack.stackPush()) {
            MemorySegment copy = arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long handle = CL10.nclCreateBuffer(context.handle(),
                    CL10.CL_MEM_READ_ONLY | CL10.CL_MEM_COPY_HOST_PTR, copy.byteSize(), copy.address(), code);
            Info.check(MemoryUtil.memGetInt(code), "clCreateBuffer", copy.byteSize() + " bytes");
            OpenClBuffer buffer = new OpenClBuffer(this, handle, copy.byteSize(), false, true);
            open.add(buffer);
            return buffer;
        }
    }

    /**
     * Enqueues copying native memory to the start of a buffer, without waiting.
     *
     * @return complete when the source may be changed again
     */
    public OpenClEvent write(MemorySegment source, OpenClBuffer target, OpenClQueue queue) {
        range(target, 0, source.byteSize());
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long event = stack.ncalloc(Long.BYTES, 1, Long.BYTES);
            Info.check(CL10.nclEnqueueWriteBuffer(own(queue).handle(), target.handle(), CL10.CL_FALSE, 0,
                    source.byteSize(), source.address(), 0, MemoryUtil.NULL, event), "clEnqueueWriteBuffer",
                    source.byteSize() + " bytes");
            return new OpenClEvent(device(), MemoryUtil.memGetAddress(event));
        }
    }

    /**
     * Returns a buffer over host memory, without a copy, on a device that shares it. The memory stays the caller's and
     * must live longer than the buffer and the work on it; meanwhile the host touches it only when the queues are idle.
     *
     * @param memory native memory at a multiple of the device's alignment
     * @throws UnsupportedOperationException if the device has memory of its own
     */
    public OpenClBuffer wrap(MemorySegment memory) {
        requireOpen();
        if (!device().sharesHostMemory()) {
            throw new UnsupportedOperationException(device().name()
                    + " has memory of its own: allocate a buffer and copy");
        }
        if (!memory.isNative() || memory.byteSize() == 0 || memory.address() % device().alignment() != 0) {
            throw new IllegalArgumentException("only native memory at a multiple of " + device().alignment()
                    + " bytes can be wrapped, got " + memory);
        }
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long handle =
                    CL10.nclCreateBuffer(context.handle(), CL10.CL_MEM_READ_WRITE | CL10.CL_MEM_USE_HOST_PTR,
                            memory.byteSize(), memory.address(), code);
            Info.check(MemoryUtil.memGetInt(code), "clCreateBuffer",
                    memory.byteSize() + " bytes of the host");
            OpenClBuffer buffer = new OpenClBuffer(this, handle, memory.byteSize(), false, true);
            open.add(buffer);
            return buffer;
        }
    }

    /** Returns a view of the caller's own {@code cl_mem} of this context; closing it frees nothing. */
    public OpenClBuffer wrapMemory(long handle, long byteSize) {
        requireOpen();
        return new OpenClBuffer(this, handle, byteSize, false, false);
    }

    /** Returns a queue over the caller's own in-order command queue of this device, which stays the caller's. */
    public OpenClQueue wrapQueue(long handle) {
        requireOpen();
        return OpenClQueue.wrap(device(), handle);
    }

    void forget(OpenClBuffer buffer) {
        open.remove(buffer);
        if (buffer.isCounted()) {
            given.addAndGet(-buffer.byteSize());
        }
    }

    /**
     * Shows a buffer's bytes to the host once the queue's earlier work is done; without a copy where memory is shared.
     *
     * @return the bytes, until it is closed, which gives them back to the device
     */
    public MappedBuffer map(OpenClBuffer buffer, OpenClQueue queue) {
        return MappedBuffer.map(own(buffer), own(queue));
    }

    /** Enqueues filling bytes of a buffer with one value. */
    public void fill(OpenClBuffer target, long offset, long byteSize, byte value, OpenClQueue queue) {
        range(target, offset, byteSize);
        if (byteSize == 0) {
            return;
        }
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long pattern = stack.nmalloc(1, 1);
            MemoryUtil.memPutByte(pattern, value);
            Info.check(CL12.nclEnqueueFillBuffer(own(queue).handle(), target.handle(), pattern, 1, offset,
                    byteSize,
                    0, MemoryUtil.NULL, MemoryUtil.NULL), "clEnqueueFillBuffer", byteSize + " bytes");
        }
    }

    @Override
    public void copyFromHost(MemorySegment source, Buffer target, long targetOffset, ExecutionQueue queue) {
        OpenClBuffer to = own(target);
        range(to, targetOffset, source.byteSize());
        if (source.byteSize() == 0) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            Info.check(
                    CL10.nclEnqueueWriteBuffer(own(queue).handle(), to.handle(), CL10.CL_TRUE, targetOffset,
                            source.byteSize(), nativeCopy(source, arena, true).address(), 0, MemoryUtil.NULL,
                            MemoryUtil.NULL),
                    "clEnqueueWriteBuffer", source.byteSize() + " bytes");
        }
    }

    @Override
    public void copyToHost(Buffer source, long sourceOffset, MemorySegment target, ExecutionQueue queue) {
        OpenClBuffer from = own(source);
        range(from, sourceOffset, target.byteSize());
        if (target.byteSize() == 0) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = nativeCopy(target, arena, false);
            Info.check(
                    CL10.nclEnqueueReadBuffer(own(queue).handle(), from.handle(), CL10.CL_TRUE, sourceOffset,
                            target.byteSize(), to.address(), 0, MemoryUtil.NULL, MemoryUtil.NULL),
                    "clEnqueueReadBuffer",
                    target.byteSize() + " bytes");
            if (!target.isNative()) {
                MemorySegment.copy(to, 0, target, 0, target.byteSize());
            }
        }
    }

    private static MemorySegment nativeCopy(MemorySegment segment, Arena arena, boolean filled) {
        if (segment.isNative()) {
            return segment;
        }
        MemorySegment copy = arena.allocate(segment.byteSize());
        return filled ? copy.copyFrom(segment) : copy;
    }

    @Override
    public void copy(Buffer source, long sourceOffset, Buffer target, long targetOffset, long byteSize,
            ExecutionQueue queue) {
        range(own(source), sourceOffset, byteSize);
        range(own(target), targetOffset, byteSize);
        if (byteSize == 0) {
            return;
        }
        Info.check(CL10.nclEnqueueCopyBuffer(own(queue).handle(), own(source).handle(), own(target).handle(),
                sourceOffset, targetOffset, byteSize, 0, MemoryUtil.NULL, MemoryUtil.NULL),
                "clEnqueueCopyBuffer",
                byteSize + " bytes");
    }

    private static void range(OpenClBuffer buffer, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > buffer.byteSize() - bytes) {
            throw new IndexOutOfBoundsException("bytes " + offset + ".." + (offset + bytes)
                    + " are not in a buffer of " + buffer.byteSize() + " bytes");
        }
    }

    private OpenClBuffer own(Buffer buffer) {
        if (buffer instanceof OpenClBuffer own && own.space().equals(id())) {
            return own;
        }
        throw new IllegalArgumentException(id() + " cannot copy a buffer of " + buffer.space());
    }

    private OpenClQueue own(ExecutionQueue queue) {
        if (queue instanceof OpenClQueue own && own.space().equals(id())) {
            return own;
        }
        throw new IllegalArgumentException(id() + " cannot use a queue of " + queue.space());
    }

    @Override
    public OpenClQueue defaultQueue() {
        return defaultQueue;
    }

    @Override
    public OpenClQueue newQueue() {
        requireOpen();
        return OpenClQueue.create(context);
    }

    /** Returns a meter on GPUs; on the host's own processor its clock is as good, and its cache no other. */
    @Override
    public synchronized Optional<DeviceMeter> meter() {
        requireOpen();
        if (device().kind() == DeviceKind.CPU) {
            return Optional.empty();
        }
        if (meter == null) {
            meter = new OpenClMeter(this);
        }
        return Optional.of(meter);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("memory space " + id() + " is closed");
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (meter != null) {
            meter.close();
        }
        try {
            defaultQueue.close();
        } finally {
            transfers.close();
            open.forEach(OpenClBuffer::close);
            context.close();
        }
    }
}
