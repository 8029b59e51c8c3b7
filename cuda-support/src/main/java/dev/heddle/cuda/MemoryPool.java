package dev.heddle.cuda;

import java.nio.LongBuffer;
import jcuda.driver.CUmemoryPool;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.cuda.CUmemPoolProps;
import org.lwjgl.system.MemoryStack;

/**
 * Stream-ordered device memory of our own: the device's default pool belongs to whoever else is in the process. A little
 * of what is freed is kept, since the driver takes a hundred microseconds to map it anew, longer than a plan.
 *
 * <p>Pools are made through LWJGL: JCuda has no call that sets how much a pool keeps.
 */
final class MemoryPool implements AutoCloseable {
    private static final long KEPT_BYTES = 64L << 20;

    private final CudaContext context;
    private final long handle;

    MemoryPool(CudaContext context) {
        this.context = context;
        try (CudaContext.Scope entered = context.enter(); MemoryStack stack = MemoryStack.stackPush()) {
            CUmemPoolProps properties =
                    CUmemPoolProps.calloc(stack).allocType(CU.CU_MEM_ALLOCATION_TYPE_PINNED)
                            .location(place -> place.type(CU.CU_MEM_LOCATION_TYPE_DEVICE)
                                    .id(context.device().ordinal()));
            PointerBuffer made = stack.mallocPointer(1);
            context.check(CU.cuMemPoolCreate(made, properties), "cuMemPoolCreate", "");
            handle = made.get(0);
            LongBuffer kept = stack.longs(KEPT_BYTES);
            context.check(CU.cuMemPoolSetAttribute(handle, CU.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, kept),
                    "cuMemPoolSetAttribute", "release threshold " + KEPT_BYTES);
        }
    }

    /** Returns the pool as JCuda's calls take it. */
    CUmemoryPool pool() {
        return Handles.pool(handle);
    }

    @Override
    public void close() {
        if (!context.isBroken()) {
            try (CudaContext.Scope entered = context.enter()) {
                CU.cuMemPoolDestroy(handle);
            }
        }
    }
}
