package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.Availability;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * The driver and its devices. Looking makes no context and allocates nothing on a device; what is missing is said in
 * words, not thrown.
 *
 * @since 0.1
 */
@Evolving
public final class CudaDriver {
    private static final int LEAST_DRIVER = 11_020; // stream-ordered memory

    private CudaDriver() {}

    /** What a look at the driver found. */
    public sealed interface Probe {
        /**
         * Devices.
         *
         * @param devices one or more, by ordinal
         */
        record Found(List<CudaDevice> devices) implements Probe {}

        /**
         * None.
         *
         * @param problem what is missing, as a clause
         * @param remedy what to do about it
         * @param cause the failure behind it
         */
        record Absent(String problem, String remedy, @Nullable Throwable cause) implements Probe {}
    }

    /**
     * Whether the binding can be loaded. Asked once: the VM keeps only the beginning of why a class failed, and where
     * the stack is deep the words that matter are not in it.
     */
    private static final class Binding {
        static final @Nullable LinkageError FAILURE = load();

        private static @Nullable LinkageError load() {
            try {
                JCudaDriver.cuInit(0);
                return null;
            } catch (LinkageError e) {
                return e;
            }
        }
    }

    /** Looks for the driver and its devices. */
    public static Probe probe() {
        if (Binding.FAILURE != null) {
            return absent(Binding.FAILURE);
        }
        try {
            int code = JCudaDriver.cuInit(0);
            if (code == CUresult.CUDA_ERROR_NO_DEVICE) {
                return new Probe.Absent("the NVIDIA driver sees no device",
                        "check that nvidia-smi lists one and that CUDA_VISIBLE_DEVICES does not hide it",
                        null);
            }
            if (code != CUresult.CUDA_SUCCESS) {
                return new Probe.Absent("the NVIDIA driver cannot start: cuInit returned " + name(code),
                        "check that nvidia-smi works and that driver and kernel module have one version",
                        null);
            }
            int[] version = new int[1];
            JCudaDriver.cuDriverGetVersion(version);
            if (version[0] < LEAST_DRIVER) {
                return new Probe.Absent("the NVIDIA driver serves CUDA " + version[0] / 1000 + "."
                        + version[0] % 1000 / 10 + ", CUDA 11.2 or newer is needed", "update the driver",
                        null);
            }
            return new Probe.Found(devices(version[0]));
        } catch (LinkageError e) {
            return absent(e);
        }
    }

    static Probe.Absent absent(LinkageError e) {
        StringBuilder words = new StringBuilder();
        for (Throwable t = e; t != null; t = t.getCause()) {
            words.append(t.getMessage()).append('\n');
        }
        String problem = words.indexOf("libcuda") >= 0
                ? "the NVIDIA driver's library libcuda.so.1 was not found"
                : "the binding to the NVIDIA driver cannot be loaded on " + System.getProperty("os.name")
                        + " "
                        + System.getProperty("os.arch");
        return new Probe.Absent(problem, "install the NVIDIA driver, or run on a machine with an NVIDIA GPU",
                e);
    }

    /**
     * Looks for devices on behalf of a backend.
     *
     * @param backendId who asks
     * @param leastComputeCapability oldest device that will do, major × 10 + minor
     */
    public static Availability availability(String backendId, int leastComputeCapability) {
        return switch (probe()) {
            case Probe.Absent(String problem, String remedy, Throwable cause) ->
                new Availability.Unavailable(List.of(rejection(backendId, problem, remedy, cause)));
            case Probe.Found(List<CudaDevice> devices) -> among(devices, backendId, leastComputeCapability);
        };
    }

    static Availability among(List<CudaDevice> devices, String backendId, int least) {
        List<CudaDevice> fit = devices.stream().filter(d -> d.computeCapability() >= least).toList();
        if (!fit.isEmpty()) {
            return new Availability.Available(fit.stream().map(CudaDevice::info).toList());
        }
        return new Availability.Unavailable(devices.stream()
                .map(d -> rejection(backendId,
                        "device " + d.ordinal() + " (" + d.name() + ") is " + d.arch() + ", sm_"
                                + least + " or newer is needed",
                        "use another backend on this device", null))
                .toList());
    }

    private static Rejection rejection(String backendId, String problem, String remedy,
            @Nullable Throwable cause) {
        return Rejection.failure(backendId, RejectionCode.DEVICE_UNAVAILABLE, Phase.DISCOVERY,
                Dimension.DEVICE, problem,
                remedy, cause);
    }

    private static List<CudaDevice> devices(int driverVersion) {
        int[] count = new int[1];
        check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount", "");
        List<CudaDevice> devices = new ArrayList<>();
        for (int i = 0; i < count[0]; i++) {
            devices.add(describe(i, driverVersion));
        }
        return List.copyOf(devices);
    }

    private static CudaDevice describe(int ordinal, int driverVersion) {
        CUdevice device = device(ordinal);
        byte[] name = new byte[256];
        check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName", "");
        long[] memory = new long[1];
        check(JCudaDriver.cuDeviceTotalMem(memory, device), "cuDeviceTotalMem", "");
        int length = 0;
        while (length < name.length && name[length] != 0) {
            length++;
        }
        return new CudaDevice(ordinal, new String(name, 0, length, StandardCharsets.UTF_8),
                10 * attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                        + attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
                attribute(device,
                        CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR),
                memory[0], driverVersion);
    }

    static CUdevice device(int ordinal) {
        CUdevice device = new CUdevice();
        check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet", "device " + ordinal);
        return device;
    }

    private static int attribute(CUdevice device, int attribute) {
        int[] value = new int[1];
        check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute", "");
        return value[0];
    }

    static void check(int code, String call, String detail) {
        if (code != CUresult.CUDA_SUCCESS) {
            throw new CudaException(call, name(code), code, detail);
        }
    }

    static String name(int code) {
        return CUresult.stringFor(code);
    }
}
