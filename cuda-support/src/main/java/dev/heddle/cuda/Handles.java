package dev.heddle.cuda;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import jcuda.NativePointerObject;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUmemoryPool;
import jcuda.driver.CUstream;

/** Addresses in and out of JCuda's objects, which keep theirs to themselves. */
final class Handles {
    private static final VarHandle POINTER;

    static {
        try {
            POINTER = MethodHandles.privateLookupIn(NativePointerObject.class, MethodHandles.lookup())
                    .findVarHandle(NativePointerObject.class, "nativePointer", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private Handles() {}

    static long address(NativePointerObject object) {
        return (long) POINTER.get(object);
    }

    static CUstream stream(long handle) {
        CUstream stream = new CUstream();
        POINTER.set(stream, handle);
        return stream;
    }

    static CUmemoryPool pool(long handle) {
        CUmemoryPool pool = new CUmemoryPool();
        POINTER.set(pool, handle);
        return pool;
    }

    static CUdeviceptr devicePointer(long address) {
        CUdeviceptr pointer = new CUdeviceptr();
        POINTER.set(pointer, address);
        return pointer;
    }
}
