package dev.heddle.core.spi;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.MemorySpaceId;

/**
 * A device that a backend can open.
 *
 * @param space the memory that it reads
 * @param name what its maker calls it
 * @param arch instruction set or architecture: {@code x86_64 avx512}, {@code sm_90a}; of a device that is the host's own
 *     processor it begins with the VM's {@code os.arch}
 * @param memoryBytes size of its memory; 0 if unknown
 * @param driver driver or runtime with version; part of the fingerprint of a calibration
 * @since 0.1
 */
@Stable
public record DeviceInfo(MemorySpaceId space, String name, String arch, long memoryBytes, String driver) {
    /** The CPU and memory that the JVM runs on. */
    public static DeviceInfo host() {
        return new DeviceInfo(MemorySpaceId.HOST,
                "CPU, " + Runtime.getRuntime().availableProcessors() + " processors",
                hostArch(), 0, "Java " + Runtime.version());
    }

    private static String hostArch() {
        return System.getProperty("os.arch", "unknown");
    }

    /** Returns whether this is the host's own processor, in its own memory space or, as with PoCL, behind a driver. */
    public boolean isHostProcessor() {
        return space.isHost() || arch.startsWith(hostArch());
    }
}
