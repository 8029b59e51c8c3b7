package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.util.concurrent.atomic.AtomicBoolean;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import org.lwjgl.cuda.CU;

/**
 * A kernel loaded on a device, with the module that holds it.
 *
 * @since 0.1
 */
@Evolving
public final class CudaKernel implements AutoCloseable {
    private static final int NON_PORTABLE_CLUSTER_SIZE_ALLOWED = 14; // CUfunction_attribute; not in the binding

    private final CudaContext context;
    private final String name;
    private final CUmodule module = new CUmodule();
    private final CUfunction function = new CUfunction();
    private final long handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * Loads a kernel.
     *
     * @param image a cubin for this device, or PTX ending in a zero byte
     * @param entry the kernel's name in the image
     * @throws CudaException if the driver does not take the image
     */
    CudaKernel(CudaContext context, String name, byte[] image, String entry) {
        this.context = context;
        this.name = name;
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuModuleLoadData(module, image), "cuModuleLoadData", name);
            context.check(JCudaDriver.cuModuleGetFunction(function, module, entry), "cuModuleGetFunction",
                    entry);
        }
        this.handle = Handles.address(function);
    }

    /** Allows launches with so many bytes of dynamic shared memory. */
    public void setMaxDynamicShared(int bytes) {
        set(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes,
                " with " + bytes + " bytes of shared memory");
    }

    /** Allows clusters of 16 CTAs, where the device has such: 8 is the most that every device with clusters takes. */
    public void allowLargeClusters() {
        set(NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1, " with large clusters");
    }

    private void set(int attribute, int value, String what) {
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuFuncSetAttribute(function, attribute, value), "cuFuncSetAttribute",
                    name + what);
        }
    }

    /** Returns the registers that a thread takes. */
    public int registers() {
        return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS);
    }

    /** Returns the bytes of local memory that a thread takes; above 0 registers were spilled. */
    public int localBytes() {
        return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        try (CudaContext.Scope entered = context.enter()) {
            context.check(JCudaDriver.cuFuncGetAttribute(value, attribute, function), "cuFuncGetAttribute",
                    name);
        }
        return value[0];
    }

    /** Returns how many CTAs run at once on a multiprocessor. */
    public int occupancy(int blockThreads, int sharedBytes) {
        int[] value = new int[1];
        try (CudaContext.Scope entered = context.enter()) {
            context.check(
                    JCudaDriver.cuOccupancyMaxActiveBlocksPerMultiprocessor(value, function, blockThreads,
                            sharedBytes),
                    "cuOccupancyMaxActiveBlocksPerMultiprocessor", name);
        }
        return value[0];
    }

    /**
     * Enqueues a launch. Allocates nothing on the heap. Bound by LWJGL, as is what surrounds it: JCuda takes pointers
     * apart through calls back into Java, which cost more than the driver itself.
     *
     * @throws CudaException naming the kernel and the launch's shape, if the driver refuses it
     */
    public void launch(CudaQueue queue, int gridX, int gridY, int gridZ, int blockThreads, int sharedBytes,
            LaunchArguments arguments) {
        if (closed.get()) {
            throw new IllegalStateException("kernel " + name + " is closed");
        }
        try (CudaContext.Scope entered = context.enter()) {
            int code = CU.ncuLaunchKernel(handle, gridX, gridY, gridZ, blockThreads, 1, 1, sharedBytes,
                    queue.handle(), arguments.pointers(), 0);
            if (code != 0) {
                context.check(code, "cuLaunchKernel",
                        name + " with " + gridX + "×" + gridY + "×" + gridZ + " CTAs of "
                                + blockThreads + " threads and " + sharedBytes + " bytes of shared memory");
            }
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true) && !context.isBroken()) {
            try (CudaContext.Scope entered = context.enter()) {
                JCudaDriver.cuModuleUnload(module);
            }
        }
    }
}
