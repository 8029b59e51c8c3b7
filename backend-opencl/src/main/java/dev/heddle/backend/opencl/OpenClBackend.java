package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.OpenClBuffer;
import dev.heddle.backend.opencl.device.OpenClDevice;
import dev.heddle.backend.opencl.device.OpenClKernel;
import dev.heddle.backend.opencl.device.OpenClMemorySpace;
import dev.heddle.backend.opencl.device.OpenClProgram;
import dev.heddle.backend.opencl.device.OpenClQueue;
import dev.heddle.backend.opencl.device.ProgramCache;
import dev.heddle.backend.opencl.device.ProgramLoader;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.MemorySpace;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Attention on one OpenCL device: its programs, made ready when they are first needed. */
final class OpenClBackend implements AttentionBackend {
    static final String ATTENTION = "heddle_attention";
    static final String MERGE = "heddle_merge";

    private final OpenClMemorySpace space;
    private final ProgramLoader loader;
    private final Tuning tuning;
    private final MemoryShelf shelf;
    private final Map<KernelShape, OpenClProgram> programs = new ConcurrentHashMap<>();
    private volatile boolean closed;

    OpenClBackend(BackendContext context) {
        this.space = OpenClMemorySpace.shared(context);
        Optional<ProgramCache> cache =
                context.cacheDirectory().map(folder -> new ProgramCache(folder.resolve("opencl")));
        this.loader = new ProgramLoader(space, cache);
        this.tuning = Tuning.of(space.device());
        this.shelf = new MemoryShelf(space);
    }

    OpenClDevice device() {
        return space.device();
    }

    Tuning tuning() {
        return tuning;
    }

    MemoryShelf shelf() {
        return shelf;
    }

    OpenClMemorySpace space() {
        return space;
    }

    /** Makes an attention kernel; the first of its shape is taken from the cache or compiled. */
    OpenClKernel attention(KernelShape shape) {
        return program(shape).kernel(ATTENTION);
    }

    /** Makes a merging kernel. */
    OpenClKernel merge(KernelShape shape) {
        return program(shape).kernel(MERGE);
    }

    private OpenClProgram program(KernelShape shape) {
        return programs.computeIfAbsent(shape, this::load);
    }

    private OpenClProgram load(KernelShape shape) {
        String source = ProgramLoader.source(OpenClBackend.class, "common.cl", shape.tile().source(), "merge.cl");
        return loader.load(shape.tile().source(), source, shape.macros(), program -> firstLaunch(program, shape));
    }

    /** Launches both kernels on a table of zeros, which says that there is nothing to do. */
    private void firstLaunch(OpenClProgram program, KernelShape shape) {
        int bytes = WorkSchedule.UNIT_INTS * Integer.BYTES;
        try (OpenClBuffer zeros = space.allocate(bytes, bytes == 0 ? 1 : Long.BYTES);
                OpenClQueue queue = space.newQueue();
                OpenClKernel attention = program.kernel(ATTENTION);
                OpenClKernel merge = program.kernel(MERGE);
                Launch launch = new Launch(shape)) {
            space.fill(zeros, 0, bytes, (byte) 0, queue);
            launch.nothing(attention, merge, zeros, queue);
            queue.synchronize();
        }
    }

    @Override
    public MemorySpace memorySpace() {
        return space;
    }

    @Override
    public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        OpenClQueue queue = options.queue() == null ? space.defaultQueue() : (OpenClQueue) options.queue();
        return new OpenClPlan(this, spec, batch, options, queue);
    }

    @Override
    public CostProfile costProfile() {
        return tuning.costProfile();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        shelf.close();
        programs.values().forEach(OpenClProgram::close);
        programs.clear();
    }
}
