package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lwjgl.opencl.CL10;
import org.lwjgl.opencl.CL11;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/**
 * The devices of all platforms. Looking makes no context and allocates nothing on them; what is missing is said in
 * words, not thrown.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClDevices {
    private static final int NO_PLATFORM = -1001; // CL_PLATFORM_NOT_FOUND_KHR, the loader's answer
    private static final int MOST = 64; // platforms, and devices of one platform

    private OpenClDevices() {}

    /** What a look found. */
    public sealed interface Probe {
        /**
         * Devices.
         *
         * @param devices one or more, by ordinal
         * @param unusable what was found beside them and cannot be used
         */
        record Found(List<OpenClDevice> devices, List<Problem> unusable) implements Probe {}

        /**
         * None.
         *
         * @param problems one or more reasons
         */
        record Absent(List<Problem> problems) implements Probe {}
    }

    /**
     * Why something cannot be used.
     *
     * @param problem what is missing, as a clause
     * @param remedy what to do about it
     * @param cause the failure behind it
     */
    public record Problem(String problem, String remedy, @Nullable Throwable cause) {}

    /** Looks for devices. */
    public static Probe probe() {
        Path damaged = DriverFiles.damaged(System::getenv).orElse(null);
        if (damaged != null) {
            return new Probe.Absent(List.of(new Problem(
                    "the OpenCL driver file " + damaged + " is damaged, and the loader may not survive it",
                    "install that driver again, or remove the file", null)));
        }
        OpenClLibrary library = OpenClLibrary.get();
        if (!library.isPresent()) {
            return new Probe.Absent(List.of(new Problem(String.valueOf(library.problem()),
                    String.valueOf(library.remedy()), library.cause())));
        }
        List<Problem> problems = new ArrayList<>();
        List<OpenClDevice> devices = new ArrayList<>();
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long handles = stack.ncalloc(Long.BYTES, MOST, Long.BYTES);
            long count = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            int code = CL10.nclGetPlatformIDs(MOST, handles, count);
            int platforms = Math.min(MOST, MemoryUtil.memGetInt(count));
            if (code == NO_PLATFORM || code == CL10.CL_SUCCESS && platforms == 0) {
                return new Probe.Absent(List.of(new Problem(
                        "OpenCL (" + library.name() + ") has no platform",
                        "install a driver: the GPU vendor's, or pocl-opencl-icd for the CPU; it names its library in"
                                + " /etc/OpenCL/vendors, or in OCL_ICD_FILENAMES",
                        null)));
            }
            Info.check(code, "clGetPlatformIDs", String.valueOf(library.name()));
            for (int i = 0; i < platforms; i++) {
                among(MemoryUtil.memGetAddress(handles + (long) i * Long.BYTES), devices, problems);
            }
        } catch (OpenClException | LinkageError e) {
            problems.add(new Problem("OpenCL (" + library.name() + ") does not work: " + e.getMessage(),
                    "check with clinfo that the driver works", e));
        }
        return devices.isEmpty() ? new Probe.Absent(List.copyOf(problems))
                : new Probe.Found(numbered(devices), List.copyOf(problems));
    }

    /** Looks at a platform; one that does not work hides no other. */
    private static void among(long platform, List<OpenClDevice> devices, List<Problem> problems) {
        String name = "platform";
        try (MemoryStack stack = MemoryStack.stackPush()) {
            name = Info.platform(platform, CL10.CL_PLATFORM_NAME);
            if (lacksLinker(name, System.getenv("PATH"))) {
                problems.add(new Problem(name + " needs the linker ld, which is not on the PATH",
                        "install binutils", null));
                return;
            }
            long handles = stack.ncalloc(Long.BYTES, MOST, Long.BYTES);
            long count = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            int code = CL10.nclGetDeviceIDs(platform, CL10.CL_DEVICE_TYPE_ALL, MOST, handles, count);
            if (code == CL10.CL_DEVICE_NOT_FOUND) {
                problems.add(new Problem("platform " + name + " has no device",
                        "check that the device is there and that this user may open it", null));
                return;
            }
            Info.check(code, "clGetDeviceIDs", name);
            for (int i = 0; i < Math.min(MOST, MemoryUtil.memGetInt(count)); i++) {
                long handle = MemoryUtil.memGetAddress(handles + (long) i * Long.BYTES);
                OpenClDevice device = describe(platform, name, handle);
                Problem problem = problem(device, handle);
                if (problem == null) {
                    devices.add(device);
                } else {
                    problems.add(problem);
                }
            }
        } catch (OpenClException e) {
            problems.add(new Problem("platform " + name + " does not work: " + e.getMessage(),
                    "check with clinfo that the driver works", e));
        }
    }

    /** PoCL ends the process when it cannot link a kernel; better not to begin. */
    static boolean lacksLinker(String platformName, @Nullable String path) {
        if (!platformName.contains("Portable Computing Language")) {
            return false;
        }
        return path == null || Arrays.stream(path.split(File.pathSeparator))
                .noneMatch(folder -> new File(folder, "ld").canExecute());
    }

    private static @Nullable Problem problem(OpenClDevice device, long handle) {
        if (Info.number(handle, CL10.CL_DEVICE_AVAILABLE) == 0) {
            return new Problem("device " + device.name() + " is not available", "close what else uses it",
                    null);
        }
        if (Info.number(handle, CL10.CL_DEVICE_COMPILER_AVAILABLE) == 0) {
            return new Problem("device " + device.name() + " has no compiler for OpenCL C",
                    "install the driver's compiler", null);
        }
        if (Info.number(handle, CL10.CL_DEVICE_ENDIAN_LITTLE) == 0) {
            return new Problem("device " + device.name() + " is big-endian", "use another device", null);
        }
        if (device.version().startsWith("OpenCL 1.0") || device.version().startsWith("OpenCL 1.1")) {
            return new Problem("device " + device.name() + " has " + device.version()
                    + ", OpenCL 1.2 or newer is needed", "update the driver", null);
        }
        return null;
    }

    private static OpenClDevice describe(long platform, String platformName, long device) {
        long type = Info.number(device, CL10.CL_DEVICE_TYPE);
        boolean shared = Info.number(device, CL11.CL_DEVICE_HOST_UNIFIED_MEMORY) != 0;
        DeviceKind kind = (type & CL10.CL_DEVICE_TYPE_CPU) != 0 ? DeviceKind.CPU
                : shared ? DeviceKind.INTEGRATED_GPU : DeviceKind.DISCRETE_GPU;
        int vector = Math.toIntExact(Info.number(device, CL11.CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT));
        return new OpenClDevice(0, platform, device, kind, Info.device(device, CL10.CL_DEVICE_NAME),
                platformName,
                Info.device(device, CL10.CL_DEVICE_VERSION), Info.device(device, CL10.CL_DRIVER_VERSION),
                Math.toIntExact(Info.number(device, CL10.CL_DEVICE_MAX_COMPUTE_UNITS)),
                Info.number(device, CL10.CL_DEVICE_GLOBAL_MEM_SIZE),
                Info.number(device, CL10.CL_DEVICE_MAX_MEM_ALLOC_SIZE),
                Info.number(device, CL10.CL_DEVICE_GLOBAL_MEM_CACHE_SIZE),
                Info.number(device, CL10.CL_DEVICE_LOCAL_MEM_SIZE),
                Info.number(device, CL10.CL_DEVICE_MAX_WORK_GROUP_SIZE), vector,
                Math.toIntExact(Info.number(device, CL10.CL_DEVICE_MEM_BASE_ADDR_ALIGN) / Byte.SIZE),
                Set.of(Info.device(device, CL10.CL_DEVICE_EXTENSIONS).split("\\s+")));
    }

    private static List<OpenClDevice> numbered(List<OpenClDevice> devices) {
        List<OpenClDevice> ordered = devices.stream()
                .sorted(Comparator.comparing((OpenClDevice d) -> d.kind() == DeviceKind.CPU ? 1 : 0))
                .toList();
        List<OpenClDevice> numbered = new ArrayList<>();
        for (OpenClDevice d : ordered) {
            numbered.add(new OpenClDevice(numbered.size(), d.platform(), d.device(), d.kind(), d.name(),
                    d.platformName(), d.version(), d.driver(), d.computeUnits(), d.memoryBytes(),
                    d.largestBuffer(),
                    d.cacheBytes(), d.localBytes(), d.largestGroup(), d.floatVector(), d.alignment(),
                    d.extensions()));
        }
        return List.copyOf(numbered);
    }
}
