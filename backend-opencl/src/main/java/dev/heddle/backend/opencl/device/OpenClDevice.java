package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.Set;

/**
 * An OpenCL device as its platform describes it.
 *
 * @param ordinal N of {@code opencl:N}: GPUs first, processors last
 * @param platform OpenCL's handle
 * @param device OpenCL's handle
 * @param kind what its kernels are chosen by
 * @param name what its maker calls it
 * @param platformName whose implementation of OpenCL it is
 * @param version version of OpenCL, {@code OpenCL 3.0 ...}
 * @param driver version of the driver
 * @param computeUnits work-groups that run at once, at least
 * @param memoryBytes size of its memory
 * @param largestBuffer most bytes of one buffer
 * @param cacheBytes its last-level cache
 * @param localBytes local memory of a work-group
 * @param largestGroup work-items of a work-group
 * @param floatVector floats of a vector register; 1 on most GPUs
 * @param alignment bytes that buffers begin at multiples of
 * @param extensions names of optional parts
 * @since 0.1
 */
@Evolving
public record OpenClDevice(int ordinal, long platform, long device, DeviceKind kind, String name,
        String platformName,
        String version, String driver, int computeUnits, long memoryBytes, long largestBuffer,
        long cacheBytes,
        long localBytes, long largestGroup, int floatVector, int alignment, Set<String> extensions) {
    /** The kind of memory space. */
    public static final String SPACE_KIND = "opencl";

    private static final String POCL = "Portable Computing Language";

    /** Copies the names. */
    public OpenClDevice {
        extensions = Set.copyOf(extensions);
    }

    /** Returns the name of its memory. */
    public MemorySpaceId space() {
        return new MemorySpaceId(SPACE_KIND, ordinal);
    }

    /** Returns whether the host reads the same memory. */
    public boolean sharesHostMemory() {
        return kind != DeviceKind.DISCRETE_GPU;
    }

    /** Returns whether this is PoCL, which compiles for the host and links with its tools. */
    public boolean isPocl() {
        return platformName.contains(POCL);
    }

    /** Returns whether its compiler takes NVIDIA's instructions. */
    public boolean isNvidia() {
        return extensions.contains("cl_nv_device_attribute_query");
    }

    /** Returns everything that a compiled program depends on. */
    public String fingerprint() {
        return String.join("\n", platformName, version, name, driver);
    }

    /** Returns the description that discovery shows. */
    public DeviceInfo info() {
        // A processor's architecture begins with the VM's own name for it: DeviceInfo.isHostProcessor.
        String arch =
                (kind == DeviceKind.CPU ? System.getProperty("os.arch", "unknown") + ", " : "") + version;
        return new DeviceInfo(space(), name, arch, memoryBytes, platformName + " " + driver);
    }
}
