package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.lwjgl.system.MemoryUtil;

/**
 * The one argument of a kernel, a struct passed by value. The driver copies it at the launch, so it may be changed right
 * after. Memory of the C library, which is free again at close and no work for the collector: each plan makes one.
 *
 * @since 0.1
 */
@Evolving
public final class LaunchArguments implements AutoCloseable {
    private final ByteBuffer struct;
    private final long pointers; // the driver takes an array of pointers to arguments: here, to the one
    private boolean closed;

    /** Makes a struct of zeros. */
    public LaunchArguments(int byteSize) {
        struct = MemoryUtil.memCalloc(byteSize);
        pointers = MemoryUtil.nmemAllocChecked(Long.BYTES);
        MemoryUtil.memPutAddress(pointers, MemoryUtil.memAddress(struct));
    }

    /** Sets four bytes. */
    public void putInt(int offset, int value) {
        struct.putInt(offset, value);
    }

    /** Returns four bytes. */
    public int getInt(int offset) {
        return struct.getInt(offset);
    }

    /** Sets eight bytes. */
    public void putLong(int offset, long value) {
        struct.putLong(offset, value);
    }

    /** Sets four bytes. */
    public void putFloat(int offset, float value) {
        struct.putFloat(offset, value);
    }

    /** Returns the size in bytes. */
    public int byteSize() {
        return struct.capacity();
    }

    /** Returns the struct as it is now. */
    MemorySegment bytes() {
        return MemorySegment.ofBuffer(struct).asReadOnly();
    }

    /** Returns the address of the array of pointers that a launch takes. */
    long pointers() {
        return pointers;
    }

    /** Frees the memory; nothing may be called afterwards. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            MemoryUtil.memFree(struct);
            MemoryUtil.nmemFree(pointers);
        }
    }
}
