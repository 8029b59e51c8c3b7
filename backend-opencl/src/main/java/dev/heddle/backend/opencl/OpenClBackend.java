package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.OpenClBuffer;
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
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/** Attention on one OpenCL device: its programs, made ready when they are first needed. */
final class OpenClBackend implements AttentionBackend {
    static final String ATTENTION = "heddle_attention";
    static final String MERGE = "heddle_merge";

    private static final String COMMON = "common.cl";

    private final OpenClMemorySpace space;
    private final ProgramLoader loader;
    private final Optional<ProgramCache> cache;
    private volatile Tuning tuning; // replaced when it has been measured
    private final MemoryShelf shelf;
    private final Map<String, String> sources = new ConcurrentHashMap<>(); // by file, with what all share before it
    private final Map<List<String>, OpenClProgram> programs = new ConcurrentHashMap<>(); // by their macros
    private @Nullable OpenClProgram merge;
    private boolean closed;

    OpenClBackend(BackendContext context) {
        this(context, Tuning.of(OpenClMemorySpace.shared(context).device()));
        cache.flatMap(c -> c.find(tuningKey())).ifPresent(
                kept -> tuning = new Tuning(space.device(), tuning.shared(),
                        Tuner.parse(new String(kept, StandardCharsets.UTF_8))));
    }

    /** Opens with other choices than those that go with the device. */
    OpenClBackend(BackendContext context, Tuning tuning) {
        this.space = OpenClMemorySpace.shared(context);
        this.cache = context.cacheDirectory().map(folder -> new ProgramCache(folder.resolve("opencl")));
        this.loader = new ProgramLoader(space, cache);
        this.tuning = tuning;
        this.shelf = new MemoryShelf(space);
    }

    /** Returns the name under which measured tiles are kept: they follow from device, driver and kernels. */
    private String tuningKey() {
        return ProgramCache.key("tiles", space.device().fingerprint(), source(tuning.usualSource()));
    }

    private String source(String file) {
        return sources.computeIfAbsent(file, f -> ProgramLoader.source(OpenClBackend.class, COMMON, f));
    }

    @Override
    public void tune(DoubleConsumer progress) {
        Map<Integer, Tile> best = new Tuner(this).measure(progress);
        tuning = new Tuning(space.device(), tuning.shared(), best);
        cache.ifPresent(c -> c.put(tuningKey(), Tuner.text(best).getBytes(StandardCharsets.UTF_8)));
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

    /** Makes a merging kernel, which is the same for all shapes. */
    OpenClKernel merge() {
        return mergeProgram().kernel(MERGE);
    }

    private OpenClProgram program(KernelShape shape) {
        return programs.computeIfAbsent(shape.macros(), macros -> load(shape, macros));
    }

    private OpenClProgram load(KernelShape shape, List<String> macros) {
        String file = shape.tile().source();
        return loader.load(file, source(file), macros,
                program -> firstLaunch(program, ATTENTION, (kernel, zeros, queue) -> {
                    try (Launch launch = new Launch(shape)) {
                        launch.noAttention(kernel, zeros, queue);
                    }
                }));
    }

    private synchronized OpenClProgram mergeProgram() {
        if (merge == null) {
            merge = loader.load("merge.cl", source("merge.cl"),
                    List.of("MOST_PARTS=" + WorkSchedule.MOST_PARTS),
                    program -> firstLaunch(program, MERGE, Launch::noMerge));
        }
        return merge;
    }

    @FunctionalInterface
    private interface FirstLaunch {
        void on(OpenClKernel kernel, OpenClBuffer zeros, OpenClQueue queue);
    }

    /** Launches a kernel on a table of zeros, which says that there is nothing to do. */
    private void firstLaunch(OpenClProgram program, String entry, FirstLaunch launch) {
        int bytes = WorkSchedule.UNIT_INTS * Integer.BYTES;
        try (OpenClBuffer zeros = space.allocate(bytes, Long.BYTES);
                OpenClQueue queue = space.newQueue();
                OpenClKernel kernel = program.kernel(entry)) {
            space.fill(zeros, 0, bytes, (byte) 0, queue);
            launch.on(kernel, zeros, queue);
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
        return new OpenClPlan(this, tuning, spec, batch, options, queue);
    }

    @Override
    public CostProfile costProfile() {
        return tuning.costProfile();
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        shelf.close();
        programs.values().forEach(OpenClProgram::close);
        programs.clear();
        if (merge != null) {
            merge.close();
        }
    }
}
