package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.lwjgl.system.MemoryUtil;

/**
 * The one argument of a kernel, a struct passed by value. The driver copies it at the launch, so it may be changed right
 * after.
 *
 * @since 0.1
 */
@Evolving
public final class LaunchArguments {
    private final ByteBuffer struct;
    private final ByteBuffer pointers; // the driver takes an array of pointers to arguments: here, to the one

    /** Makes a struct of zeros. */
    public LaunchArguments(int byteSize) {
        struct = ByteBuffer.allocateDirect(byteSize).order(ByteOrder.nativeOrder());
        pointers = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
        pointers.putLong(0, MemoryUtil.memAddress(struct));
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
        return MemoryUtil.memAddress(pointers);
    }
}
