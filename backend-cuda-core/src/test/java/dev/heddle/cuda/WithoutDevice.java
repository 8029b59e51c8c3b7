package dev.heddle.cuda;

import dev.heddle.core.tensor.MemorySpaceId;
import java.lang.foreign.MemorySegment;

/** What cuda-support keeps to itself, for tests that only look at addresses and bytes. */
public final class WithoutDevice {
    private WithoutDevice() {}

    /** Returns a buffer that nobody may read. */
    public static CudaBuffer buffer(long address, long byteSize) {
        return new CudaBuffer(new MemorySpaceId(CudaDevice.SPACE_KIND, 0), address, byteSize, null);
    }

    /** Returns the bytes that a launch would hand to the kernel. */
    public static MemorySegment bytes(LaunchArguments arguments) {
        return arguments.bytes();
    }
}
