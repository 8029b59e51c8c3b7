package dev.heddle.backend.opencl.device;

import java.nio.ByteBuffer;
import org.lwjgl.system.FunctionProviderLocal;
import org.lwjgl.system.SharedLibrary;

/** The OpenCL loader (libOpenCL.so.1), which exports every function and leads calls to the vendor's library. */
record LoaderLibrary(SharedLibrary library) implements FunctionProviderLocal {
    @Override
    public long getFunctionAddress(ByteBuffer functionName) {
        return library.getFunctionAddress(functionName);
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
