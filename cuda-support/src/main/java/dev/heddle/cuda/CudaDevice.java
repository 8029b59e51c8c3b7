package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpaceId;

/**
 * One GPU as the driver describes it.
 *
 * @param ordinal its number, 0 or more
 * @param name what its maker calls it
 * @param computeCapability major × 10 + minor: 90
 * @param multiprocessors streaming multiprocessors
 * @param l2Bytes size of the L2 cache
 * @param sharedMemoryPerBlock bytes of shared memory that a CTA may ask for
 * @param sharedMemoryPerMultiprocessor bytes of shared memory that the CTAs of a multiprocessor share
 * @param memoryBytes size of its memory
 * @param driverVersion the CUDA version that the driver serves, major × 1000 + minor × 10
 * @since 0.1
 */
@Evolving
public record CudaDevice(
        int ordinal,
        String name,
        int computeCapability,
        int multiprocessors,
        int l2Bytes,
        int sharedMemoryPerBlock,
        int sharedMemoryPerMultiprocessor,
        long memoryBytes,
        int driverVersion) {
    /** The kind of memory space that CUDA backends read. */
    public static final String SPACE_KIND = "cuda";

    /** Returns {@code sm_90}. */
    public String arch() {
        return "sm_" + computeCapability;
    }

    /** Returns the name of its memory space. */
    public MemorySpaceId space() {
        return new MemorySpaceId(SPACE_KIND, ordinal);
    }

    /** Returns the description that the SPI asks for. */
    public DeviceInfo info() {
        return new DeviceInfo(space(), name, arch(), memoryBytes,
                "CUDA " + driverVersion / 1000 + "." + driverVersion % 1000 / 10);
    }
}
