package dev.heddle.backend.opencl.device;

import org.lwjgl.opencl.CL10;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/** Asks OpenCL's objects about themselves. */
final class Info {
    private Info() {}

    static void check(int code, String call, String detail) {
        if (code != CL10.CL_SUCCESS) {
            throw new OpenClException(call, code, detail);
        }
    }

    @FunctionalInterface
    private interface Query {
        int ask(long size, long value, long sizeReturned);
    }

    static String platform(long platform, int what) {
        return text("clGetPlatformInfo",
                (size, value, got) -> CL10.nclGetPlatformInfo(platform, what, size, value, got));
    }

    static String device(long device, int what) {
        return text("clGetDeviceInfo",
                (size, value, got) -> CL10.nclGetDeviceInfo(device, what, size, value, got));
    }

    static String buildLog(long program, long device) {
        return text("clGetProgramBuildInfo",
                (size, value, got) -> CL10.nclGetProgramBuildInfo(program, device, CL10.CL_PROGRAM_BUILD_LOG,
                        size,
                        value, got));
    }

    private static String text(String call, Query query) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long size = stack.ncalloc(Long.BYTES, Long.BYTES, 1);
            check(query.ask(0, MemoryUtil.NULL, size), call, "");
            long bytes = MemoryUtil.memGetAddress(size);
            long value = MemoryUtil.nmemCallocChecked(1, bytes + 1);
            try {
                check(query.ask(bytes, value, MemoryUtil.NULL), call, "");
                return MemoryUtil.memUTF8(value).strip();
            } finally {
                MemoryUtil.nmemFree(value);
            }
        }
    }

    /** Returns a number of four or eight bytes, whichever OpenCL answers with. */
    static long number(long device, int what) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long value = stack.ncalloc(Long.BYTES, Long.BYTES, 1);
            check(CL10.nclGetDeviceInfo(device, what, Long.BYTES, value, MemoryUtil.NULL), "clGetDeviceInfo",
                    "parameter " + what);
            return MemoryUtil.memGetLong(value);
        }
    }
}
