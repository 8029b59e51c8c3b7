package dev.heddle.backend.opencl.device;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lwjgl.system.FunctionProviderLocal;
import org.lwjgl.system.JNI;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;
import org.lwjgl.system.SharedLibrary;

/**
 * A vendor's library without the loader in front of it. Such a library exports next to nothing: it hands out its
 * platforms by {@code clIcdGetPlatformIDsKHR}, and its functions through the table that each of its objects points to
 * (extension cl_khr_icd, {@code struct _cl_icd_dispatch} of CL/cl_icd.h).
 */
final class VendorLibrary implements FunctionProviderLocal {
    private static final String PLATFORMS = "clGetPlatformIDs";

    // Places in the table; those in between are functions that Heddle does not call.
    private static final Object[][] BLOCKS = {
            {1, "clGetPlatformInfo", "clGetDeviceIDs", "clGetDeviceInfo", "clCreateContext"},
            {6, "clRetainContext", "clReleaseContext", "clGetContextInfo", "clCreateCommandQueue",
                    "clRetainCommandQueue", "clReleaseCommandQueue", "clGetCommandQueueInfo"},
            {14, "clCreateBuffer"},
            {17, "clRetainMemObject", "clReleaseMemObject"},
            {20, "clGetMemObjectInfo"},
            {26, "clCreateProgramWithSource", "clCreateProgramWithBinary", "clRetainProgram",
                    "clReleaseProgram",
                    "clBuildProgram"},
            {32, "clGetProgramInfo", "clGetProgramBuildInfo", "clCreateKernel", "clCreateKernelsInProgram",
                    "clRetainKernel", "clReleaseKernel", "clSetKernelArg", "clGetKernelInfo",
                    "clGetKernelWorkGroupInfo", "clWaitForEvents", "clGetEventInfo", "clRetainEvent",
                    "clReleaseEvent", "clGetEventProfilingInfo", "clFlush", "clFinish", "clEnqueueReadBuffer",
                    "clEnqueueWriteBuffer", "clEnqueueCopyBuffer"},
            {56, "clEnqueueMapBuffer"},
            {58, "clEnqueueUnmapMemObject", "clEnqueueNDRangeKernel"},
            {65, "clGetExtensionFunctionAddress"},
            {102, "clEnqueueFillBuffer"},
            {104, "clEnqueueMigrateMemObjects", "clEnqueueMarkerWithWaitList",
                    "clEnqueueBarrierWithWaitList"}};

    private final SharedLibrary library;
    private final Map<String, Long> addresses = new HashMap<>();

    private VendorLibrary(SharedLibrary library) {
        this.library = library;
    }

    /**
     * Looks into a library.
     *
     * @return null if it is no vendor's library, or has no platform
     */
    static @Nullable VendorLibrary of(SharedLibrary library) {
        long find = library.getFunctionAddress("clGetExtensionFunctionAddress");
        if (find == MemoryUtil.NULL) {
            return null;
        }
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long platforms = JNI.callPP(MemoryUtil.memAddress(stack.ASCII("clIcdGetPlatformIDsKHR")), find);
            if (platforms == MemoryUtil.NULL) {
                return null;
            }
            long first = stack.ncalloc(Long.BYTES, Long.BYTES, 1);
            long count = stack.ncalloc(Integer.BYTES, Integer.BYTES, 1);
            int code = JNI.callPPI(1, first, count, platforms);
            if (code != 0 || MemoryUtil.memGetInt(count) < 1) {
                return null;
            }
            VendorLibrary found = new VendorLibrary(library);
            found.addresses.put(PLATFORMS, platforms);
            found.read(MemoryUtil.memGetAddress(MemoryUtil.memGetAddress(first)));
            return found;
        }
    }

    private void read(long table) {
        for (Object[] block : BLOCKS) {
            int at = (Integer) block[0];
            for (int i = 1; i < block.length; i++) {
                addresses.put((String) block[i],
                        MemoryUtil.memGetAddress(table + (at + i - 1L) * Long.BYTES));
            }
        }
    }

    @Override
    public long getFunctionAddress(ByteBuffer functionName) {
        String name = MemoryUtil.memASCII(functionName);
        return addresses.getOrDefault(name.replace("\0", ""), MemoryUtil.NULL);
    }

    @Override
    public long getFunctionAddress(long handle, ByteBuffer functionName) {
        return getFunctionAddress(functionName);
    }

    @Override
    public String toString() {
        return library.getName();
    }
}
