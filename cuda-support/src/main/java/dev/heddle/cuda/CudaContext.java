package dev.heddle.cuda;

import dev.heddle.core.Evolving;
import java.nio.LongBuffer;
import java.util.List;
import java.util.Set;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;
import org.lwjgl.BufferUtils;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryUtil;

/**
 * The primary context of a device, shared with every other CUDA user of the process. It is current on a thread from
 * {@link #enter} to the scope's close, so what the thread had before is undisturbed.
 *
 * <p>After an error that the driver cannot recover from (an illegal address, say) each use throws with that first
 * error.
 *
 * @since 0.1
 */
@Evolving
public final class CudaContext implements AutoCloseable {
    /** Errors after which the driver refuses every call of the context. */
    private static final Set<Integer> STICKY = Set.of(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
            CUresult.CUDA_ERROR_LAUNCH_FAILED, CUresult.CUDA_ERROR_ASSERT,
            CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
            CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION, CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
            CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE, CUresult.CUDA_ERROR_INVALID_PC,
            CUresult.CUDA_ERROR_ECC_UNCORRECTABLE, CUresult.CUDA_ERROR_LAUNCH_TIMEOUT);

    private final CudaDevice device;
    private final CUdevice handle;
    private final CUcontext context = new CUcontext();
    private final long contextHandle;
    private final LongBuffer popped = BufferUtils.createLongBuffer(1); // what a pop returns; nobody reads it
    private final Scope scope = this::leave;
    private volatile @Nullable CudaException broken;
    private volatile boolean closed;

    /** While it is open the context is current on its thread. */
    @FunctionalInterface
    public interface Scope extends AutoCloseable {
        @Override
        void close();
    }

    private CudaContext(CudaDevice device) {
        this.device = device;
        this.handle = CudaDriver.device(device.ordinal());
        CudaDriver.check(JCudaDriver.cuDevicePrimaryCtxRetain(context, handle), "cuDevicePrimaryCtxRetain",
                device.name());
        this.contextHandle = Handles.address(context);
    }

    /**
     * Retains the primary context of a device.
     *
     * @throws IllegalStateException if there is no driver or no such device
     * @throws CudaException if the driver refuses
     */
    public static CudaContext retain(int ordinal) {
        return switch (CudaDriver.probe()) {
            case CudaDriver.Probe.Absent(String problem, String remedy, Throwable cause) ->
                throw new IllegalStateException(problem + "; " + remedy, cause);
            case CudaDriver.Probe.Found(List<CudaDevice> devices) -> new CudaContext(one(devices, ordinal));
        };
    }

    private static CudaDevice one(List<CudaDevice> devices, int ordinal) {
        if (ordinal < 0 || ordinal >= devices.size()) {
            throw new IllegalStateException(
                    "there is no CUDA device " + ordinal + ", the driver sees " + devices.size());
        }
        return devices.get(ordinal);
    }

    /** Returns the device. */
    public CudaDevice device() {
        return device;
    }

    /**
     * Makes the context current on this thread until the scope is closed. Allocates nothing.
     *
     * @throws IllegalStateException if the context is closed or broken
     */
    public Scope enter() {
        if (closed) {
            throw new IllegalStateException("the context of cuda:" + device.ordinal() + " is closed");
        }
        if (broken != null) {
            throw new IllegalStateException("the context of cuda:" + device.ordinal()
                    + " is beyond use after an earlier error; start a new process to use the device again",
                    broken);
        }
        check(CU.cuCtxPushCurrent(contextHandle), "cuCtxPushCurrent", "");
        return scope;
    }

    private void leave() {
        CU.ncuCtxPopCurrent(MemoryUtil.memAddress(popped));
    }

    /**
     * Throws if a call of the driver failed, and remembers errors that nothing recovers from.
     *
     * @param detail what was asked for, as a clause; built only where it is cheap
     * @throws CudaException if {@code code} is not success
     */
    public void check(int code, String call, String detail) {
        if (code == CUresult.CUDA_SUCCESS) {
            return;
        }
        CudaException e = new CudaException(call, CudaDriver.name(code), code, detail);
        if (STICKY.contains(code) && broken == null) {
            broken = e;
        }
        throw e;
    }

    /** Returns whether an error has made the context useless. */
    public boolean isBroken() {
        return broken != null;
    }

    /** Blocks until all work of the context is done, as far as it can still be used. */
    void synchronize() {
        try (Scope entered = enter()) {
            check(JCudaDriver.cuCtxSynchronize(), "cuCtxSynchronize", "");
        }
    }

    /** Releases the context; a second call does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            JCudaDriver.cuDevicePrimaryCtxRelease(handle);
        }
    }
}
