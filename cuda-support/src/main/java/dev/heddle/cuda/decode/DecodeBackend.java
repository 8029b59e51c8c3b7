package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.cuda.CudaDevice;
import dev.heddle.cuda.CudaKernel;
import dev.heddle.cuda.CudaMemorySpace;
import dev.heddle.cuda.CudaQueue;
import dev.heddle.cuda.KernelLoader;
import dev.heddle.cuda.KernelSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Attention on one device by a kernel that walks over work units. A backend says which kernel a request takes; loading,
 * schedules, memory and launches are here.
 *
 * @since 0.1
 */
@Evolving
public abstract class DecodeBackend implements AttentionBackend {
    private static final String ENTRY = "heddle_decode";
    private static final int STEADY_REQUESTS = 64;
    private static final int STEADY_KV_LEN = 8192;

    private final String id;
    private final CudaMemorySpace space;
    private final KernelLoader loader;
    private final Map<DecodeKernel, CudaKernel> kernels = new ConcurrentHashMap<>();
    private final Map<Steady, DecodeKernel> steady = new ConcurrentHashMap<>();

    /** Opens the device of a context. */
    protected DecodeBackend(String id, BackendContext context) {
        this.id = id;
        this.space = CudaMemorySpace.shared(context);
        this.loader = new KernelLoader(space.context(), context.cacheDirectory());
    }

    /**
     * Returns a source that lies beside a class, behind what all kernels share.
     *
     * @param files its parts in their order; the last gives the name
     */
    public static KernelSource source(Class<?> home, String... files) {
        KernelSource all = KernelSource.resource(DecodeBackend.class, "common.cu");
        all = KernelSource.resource(DecodeBackend.class, "conclude.cu").after(all);
        for (String file : files) {
            all = KernelSource.resource(home, file).after(all);
        }
        return all;
    }

    /** Returns the kernel that a request takes; cheap, since every plan asks. */
    protected abstract DecodeKernel shape(AttentionSpec spec, BatchShape batch, PlanOptions options);

    /** Returns whether what a request reads should pass through the L2 cache without staying. */
    protected abstract boolean evictFirst(AttentionSpec spec, BatchShape batch);

    /** Returns whether the bits of a request must not depend on the rest of the batch. */
    boolean invariant(AttentionSpec spec) {
        return spec.determinism() == Determinism.BATCH_INVARIANT;
    }

    /** Returns the kernels that a batch takes. */
    final List<KernelChoice> choices(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        // What is captured is one launch, whatever comes later.
        return invariant(spec) ? KernelChoice.each(batch, qoLen -> steady(spec, qoLen))
                : options.capture() ? List.of(KernelChoice.all(shape(spec, batch, options)))
                        : shapes(spec, batch, options);
    }

    /** Returns the kernels of a batch whose requests differ too much for one; of most batches {@link #shape} alone. */
    protected List<KernelChoice> shapes(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return List.of(KernelChoice.all(shape(spec, batch, options)));
    }

    /** Returns the kernel that keeps the device busy with requests of so many query rows, a function of spec and rows. */
    private DecodeKernel steady(AttentionSpec spec, int qoLen) {
        return steady.computeIfAbsent(new Steady(spec, qoLen),
                key -> invariantShape(spec,
                        new DecodeCatalogue.Load(STEADY_REQUESTS, qoLen, STEADY_KV_LEN).batch()));
    }

    /**
     * Returns the kernel of requests whose bits must not depend on the batch.
     *
     * @param full a batch that fills the device, of requests with as many query rows
     */
    protected DecodeKernel invariantShape(AttentionSpec spec, BatchShape full) {
        return shape(spec, full, PlanOptions.DEFAULT);
    }

    private record Steady(AttentionSpec spec, int qoLen) {}

    String id() {
        return id;
    }

    CudaMemorySpace space() {
        return space;
    }

    /** Returns the device. */
    protected final CudaDevice device() {
        return space.context().device();
    }

    int multiprocessors() {
        return device().multiprocessors();
    }

    /** Returns a loaded kernel; the first time it is taken from the jar or the cache, or compiled. */
    CudaKernel kernel(DecodeKernel shape) {
        return kernels.computeIfAbsent(shape, this::load);
    }

    private CudaKernel load(DecodeKernel shape) {
        CudaKernel kernel = loader.load(shape.source(), shape.macros(), ENTRY);
        kernel.setMaxDynamicShared(shape.sharedBytes());
        if (shape.cluster() > DecodeKernel.PORTABLE_CLUSTER) {
            kernel.allowLargeClusters();
        }
        return kernel;
    }

    @Override
    public MemorySpace memorySpace() {
        return space;
    }

    @Override
    public List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        List<Rejection> reasons = new ArrayList<>(refine(id, spec));
        if (reasons.isEmpty()) {
            DecodeKernel shape = absent(spec, batch, options);
            if (shape != null) {
                loader.missing(shape.source(), shape.macros())
                        .ifPresent(absent -> reasons.add(Rejection.failure(id,
                                RejectionCode.DEVICE_UNAVAILABLE, Phase.REFINE, Dimension.COLD_START,
                                "the jar has no kernel for this shape",
                                Objects.requireNonNull(absent.getMessage()),
                                null)));
            }
        }
        return reasons;
    }

    private @Nullable DecodeKernel absent(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        for (KernelChoice choice : choices(spec, batch, options)) {
            if (!kernels.containsKey(choice.kernel())) {
                return choice.kernel();
            }
        }
        return null;
    }

    /** Returns what the kernel's argument has no room for. */
    public static List<Rejection> refine(String id, AttentionSpec spec) {
        if (spec.kvQuantisation() != KvQuantisation.PER_HEAD || spec.numKvHeads() <= DecodeKernel.MAX_HEADS) {
            return List.of();
        }
        return List.of(Rejection.of(id, RejectionCode.UNSUPPORTED_VALUE, Phase.REFINE, Dimension.KV_HEADS,
                spec.numKvHeads() + " with scales per head", "1.." + DecodeKernel.MAX_HEADS,
                "use one scale per tensor"));
    }

    @Override
    public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        CudaQueue queue = options.queue() == null ? space.defaultQueue() : (CudaQueue) options.queue();
        return new DecodePlan(this, spec, batch, options, queue);
    }

    @Override
    public void close() {
        kernels.values().forEach(CudaKernel::close);
        kernels.clear();
    }
}
