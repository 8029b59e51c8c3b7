package dev.heddle.cuda;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.NVRTC;
import org.lwjgl.system.Configuration;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/** The run-time compiler, loaded when the first kernel needs it. */
final class Nvrtc {
    private final String version;

    private Nvrtc(String version) {
        this.version = version;
    }

    /**
     * Loads the compiler.
     *
     * @throws KernelUnavailableException saying where it was looked for
     */
    static Nvrtc load(NvrtcLibrary.Search search) {
        NvrtcLibrary library = search.found().orElseThrow(() -> absent(search));
        Configuration.CUDA_NVRTC_LIBRARY_NAME.set(library.nvrtc().toString());
        if (library.builtins() != null) {
            Configuration.CUDA_NVRTC_BUILTINS_LIBRARY_NAME.set(library.builtins().toString());
        }
        try (MemoryStack stack = MemoryStack.stackPush()) {
            IntBuffer major = stack.mallocInt(1);
            IntBuffer minor = stack.mallocInt(1);
            NVRTC.nvrtcVersion(major, minor);
            return new Nvrtc(major.get(0) + "." + minor.get(0));
        } catch (LinkageError e) {
            throw new KernelUnavailableException(
                    "the run-time compiler " + library.nvrtc() + " cannot be loaded: "
                            + e.getMessage() + "; set " + NvrtcLibrary.VARIABLE + " to another",
                    e);
        }
    }

    static KernelUnavailableException absent(NvrtcLibrary.Search search) {
        return new KernelUnavailableException(
                "no run-time compiler was found (libnvrtc.so.12 or newer, looked in " + search.looked()
                        + "); install a CUDA toolkit or the Python package nvidia-cuda-nvrtc, or set "
                        + NvrtcLibrary.VARIABLE + " to the library",
                null);
    }

    String version() {
        return version;
    }

    /**
     * Compiles to machine code of one architecture.
     *
     * @param macros {@code NAME=VALUE}
     * @throws KernelUnavailableException with the compiler's log
     */
    byte[] compile(KernelSource source, List<String> macros, String arch) {
        List<String> options = new ArrayList<>(List.of("--gpu-architecture=" + arch, "--std=c++17"));
        macros.forEach(macro -> options.add("-D" + macro));
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer handle = stack.mallocPointer(1);
            ByteBuffer text = MemoryUtil.memUTF8(source.text());
            ByteBuffer name = stack.UTF8(source.name());
            PointerBuffer arguments = MemoryUtil.memAllocPointer(options.size());
            List<ByteBuffer> strings = new ArrayList<>();
            try {
                for (String option : options) {
                    ByteBuffer string = MemoryUtil.memUTF8(option);
                    strings.add(string);
                    arguments.put(MemoryUtil.memAddress(string));
                }
                arguments.flip();
                check(NVRTC.nvrtcCreateProgram(handle, text, name, null, null), "nvrtcCreateProgram", "");
                long program = handle.get(0);
                try {
                    int code = NVRTC.nvrtcCompileProgram(program, arguments);
                    check(code, "compiling " + source.name() + " for " + arch + " with " + macros,
                            code == 0 ? "" : log(program));
                    PointerBuffer size = stack.mallocPointer(1);
                    check(NVRTC.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize", "");
                    ByteBuffer image = MemoryUtil.memAlloc((int) size.get(0));
                    try {
                        check(NVRTC.nvrtcGetCUBIN(program, image), "nvrtcGetCUBIN", "");
                        byte[] bytes = new byte[image.remaining()];
                        image.get(bytes);
                        return bytes;
                    } finally {
                        MemoryUtil.memFree(image);
                    }
                } finally {
                    NVRTC.nvrtcDestroyProgram(handle);
                }
            } finally {
                strings.forEach(MemoryUtil::memFree);
                MemoryUtil.memFree(arguments);
                MemoryUtil.memFree(text);
            }
        }
    }

    private static String log(long program) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer size = stack.mallocPointer(1);
            if (NVRTC.nvrtcGetProgramLogSize(program, size) != NVRTC.NVRTC_SUCCESS || size.get(0) <= 1) {
                return "";
            }
            ByteBuffer log = MemoryUtil.memAlloc((int) size.get(0));
            try {
                NVRTC.nvrtcGetProgramLog(program, log);
                return "\n" + MemoryUtil.memUTF8(log, log.remaining() - 1);
            } finally {
                MemoryUtil.memFree(log);
            }
        }
    }

    private void check(int code, String what, String log) {
        if (code != NVRTC.NVRTC_SUCCESS) {
            throw new KernelUnavailableException(
                    what + " failed with " + NVRTC.nvrtcGetErrorString(code) + " (NVRTC " + version + ")"
                            + log,
                    null);
        }
    }
}
