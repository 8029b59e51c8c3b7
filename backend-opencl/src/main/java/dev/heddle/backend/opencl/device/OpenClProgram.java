package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.lwjgl.opencl.CL10;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/**
 * A program built for one device.
 *
 * @since 0.1
 */
@Evolving
public final class OpenClProgram implements AutoCloseable {
    /**
     * What PoCL's log says when a fault that the VM takes by design (a null pointer, a poll for a safepoint) met the
     * compiler's signal handler first: that deletes the files which are being written, and the VM goes on.
     */
    private static final String LOST_FILE = "unable to rename temporary";

    private static final int MOST_ATTEMPTS = 8;

    private static final System.Logger LOGGER = System.getLogger("dev.heddle.opencl");

    private final OpenClDevice device;
    private final String name;
    private final long handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    private OpenClProgram(OpenClDevice device, String name, long handle) {
        this.device = device;
        this.name = name;
        this.handle = handle;
    }

    /**
     * Compiles a program.
     *
     * @throws OpenClException with the compiler's log, if it cannot be compiled
     */
    static OpenClProgram compile(OpenClContext context, String name, String source, String options) {
        for (int attempt = 1;; attempt++) {
            try {
                return compileOnce(context, name, source, options);
            } catch (OpenClException e) {
                if (attempt == MOST_ATTEMPTS || !String.valueOf(e.getMessage()).contains(LOST_FILE)) {
                    throw e;
                }
                LOGGER.log(System.Logger.Level.DEBUG, "{0} lost a temporary file, compiling {1} again",
                        context.device().platformName(), name);
            }
        }
    }

    private static OpenClProgram compileOnce(OpenClContext context, String name, String source,
            String options) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            var text = MemoryUtil.memUTF8(source);
            try {
                long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
                long list = stack.nmalloc(Long.BYTES, Long.BYTES);
                MemoryUtil.memPutAddress(list, MemoryUtil.memAddress(text));
                long program =
                        CL10.nclCreateProgramWithSource(context.handle(), 1, list, MemoryUtil.NULL, code);
                Info.check(MemoryUtil.memGetInt(code), "clCreateProgramWithSource", name);
                return new OpenClProgram(context.device(), name, program).built(options);
            } finally {
                MemoryUtil.memFree(text);
            }
        }
    }

    /** Returns the program of a binary, or empty if this driver does not take it. */
    static Optional<OpenClProgram> ofBinary(OpenClContext context, String name, byte[] binary,
            String options) {
        long bytes = MemoryUtil.nmemAllocChecked(binary.length);
        try (MemoryStack stack = MemoryStack.stackPush()) {
            MemoryUtil.memByteBuffer(bytes, binary.length).put(binary);
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long status = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long device = stack.nmalloc(Long.BYTES, Long.BYTES);
            long length = stack.nmalloc(Long.BYTES, Long.BYTES);
            long list = stack.nmalloc(Long.BYTES, Long.BYTES);
            MemoryUtil.memPutAddress(device, context.device().device());
            MemoryUtil.memPutLong(length, binary.length);
            MemoryUtil.memPutAddress(list, bytes);
            long program =
                    CL10.nclCreateProgramWithBinary(context.handle(), 1, device, length, list, status, code);
            if (MemoryUtil.memGetInt(code) != CL10.CL_SUCCESS) {
                return Optional.empty();
            }
            return Optional.of(new OpenClProgram(context.device(), name, program).built(options));
        } catch (OpenClException e) {
            return Optional.empty();
        } finally {
            MemoryUtil.nmemFree(bytes);
        }
    }

    private OpenClProgram built(String options) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long list = stack.nmalloc(Long.BYTES, Long.BYTES);
            MemoryUtil.memPutAddress(list, device.device());
            long words = MemoryUtil.memAddress(stack.ASCII(options));
            int code = CL10.nclBuildProgram(handle, 1, list, words, MemoryUtil.NULL, MemoryUtil.NULL);
            if (code != CL10.CL_SUCCESS) {
                String log = Info.buildLog(handle, device.device());
                close();
                throw new OpenClException("clBuildProgram", code,
                        name + " for " + device.name() + ":\n" + log);
            }
            return this;
        }
    }

    /** Returns the program as the driver wants it back. */
    byte[] binary() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long size = stack.ncalloc(Long.BYTES, 1, Long.BYTES);
            Info.check(CL10.nclGetProgramInfo(handle(), CL10.CL_PROGRAM_BINARY_SIZES, Long.BYTES, size,
                    MemoryUtil.NULL), "clGetProgramInfo", name);
            int bytes = Math.toIntExact(MemoryUtil.memGetLong(size));
            long binary = MemoryUtil.nmemAllocChecked(Math.max(1, bytes));
            try {
                long list = stack.nmalloc(Long.BYTES, Long.BYTES);
                MemoryUtil.memPutAddress(list, binary);
                Info.check(CL10.nclGetProgramInfo(handle(), CL10.CL_PROGRAM_BINARIES, Long.BYTES, list,
                        MemoryUtil.NULL), "clGetProgramInfo", name);
                byte[] copy = new byte[bytes];
                MemoryUtil.memByteBuffer(binary, bytes).get(copy);
                return copy;
            } finally {
                MemoryUtil.nmemFree(binary);
            }
        }
    }

    /** Makes a kernel, whose arguments are its own. */
    public OpenClKernel kernel(String entry) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            long code = stack.ncalloc(Integer.BYTES, 1, Integer.BYTES);
            long words = MemoryUtil.memAddress(stack.ASCII(entry));
            long kernel = CL10.nclCreateKernel(handle(), words, code);
            Info.check(MemoryUtil.memGetInt(code), "clCreateKernel", entry + " of " + name);
            return new OpenClKernel(entry + " of " + name, kernel);
        }
    }

    private long handle() {
        if (closed.get()) {
            throw new IllegalStateException("program " + name + " is closed");
        }
        return handle;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            CL10.clReleaseProgram(handle);
        }
    }
}
