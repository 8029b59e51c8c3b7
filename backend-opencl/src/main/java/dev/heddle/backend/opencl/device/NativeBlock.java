package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import java.util.concurrent.atomic.AtomicBoolean;
import org.lwjgl.system.MemoryUtil;

/**
 * A few bytes of native memory for arguments of kernels; writing allocates nothing, whether it is compiled yet or not.
 * For one thread at a time; nothing may be called after it is closed.
 *
 * @since 0.1
 */
@Evolving
public final class NativeBlock implements AutoCloseable {
    private final long address;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Makes a block of zeros. */
    public NativeBlock(int byteSize) {
        address = MemoryUtil.nmemCallocChecked(1, byteSize);
    }

    /** Writes a long. */
    public void put(int at, long value) {
        MemoryUtil.memPutLong(address + at, value);
    }

    /** Writes an int. */
    public void put(int at, int value) {
        MemoryUtil.memPutInt(address + at, value);
    }

    /** Writes a float. */
    public void put(int at, float value) {
        MemoryUtil.memPutFloat(address + at, value);
    }

    /** Returns where it lies. */
    public long address() {
        return address;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            MemoryUtil.nmemFree(address);
        }
    }
}
