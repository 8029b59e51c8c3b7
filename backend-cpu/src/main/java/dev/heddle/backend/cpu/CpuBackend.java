package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpace;
import java.util.Map;

/** The opened CPU backend: threads, and scratch that plans borrow. */
final class CpuBackend implements AttentionBackend {
    private final MemorySpace space;
    private final WorkerPool workers;
    private final InnerLoops loops = LoopChoice.loops();
    private final boolean callsC;
    private final ScratchShelf shelf;

    /**
     * @param callsC whether single rows are left to the kernels in C, which must be there
     */
    CpuBackend(BackendContext context, boolean callsC) {
        this.callsC = callsC;
        this.shelf = new ScratchShelf(callsC);
        this.space = context.hostSpace();
        this.workers = new WorkerPool(context.parallelism(), context.executor().orElse(null));
    }

    @Override
    public MemorySpace memorySpace() {
        return space;
    }

    @Override
    public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return new CpuPlan(this, spec, batch, options,
                options.queue() == null ? space.defaultQueue() : options.queue());
    }

    WorkerPool workers() {
        return workers;
    }

    InnerLoops loops() {
        return loops;
    }

    boolean callsC() {
        return callsC;
    }

    ScratchShelf shelf() {
        return shelf;
    }

    @Override
    public CostProfile costProfile() {
        int threads = workers.parallelism();
        boolean scalar = loops.name().equals("scalar");
        double rate = (scalar ? 2 : callsC ? 40 : 20) * threads;
        // A server core reads 8 to 20 GB/s, as far ahead as it is told to; a handful of them reach what the memory gives.
        double read = (scalar ? 1 : callsC ? 14 : 8) * Math.min(threads, 8);
        return new CostProfile(read, Map.of(DataType.F32, rate * 1.2), rate, threads, CpuSchedule.CHUNK, 8, 3,
                0.1, 5,
                0);
    }

    @Override
    public void close() {
        workers.close();
    }
}
