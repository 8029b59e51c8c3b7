package dev.heddle.backend.cuda.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
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

/** Attention on the CUDA cores of one device. */
final class CudaCoreBackend implements AttentionBackend {
    private static final String ENTRY = "heddle_decode";

    private final CudaMemorySpace space;
    private final KernelLoader loader;
    private final KernelSource source;
    private final Map<KernelShape, CudaKernel> kernels = new ConcurrentHashMap<>();

    CudaCoreBackend(BackendContext context) {
        this.space = CudaMemorySpace.shared(context);
        this.source = KernelSource.resource(CudaCoreBackend.class, "decode.cu");
        this.loader = new KernelLoader(space.context(), context.cacheDirectory());
    }

    CudaMemorySpace space() {
        return space;
    }

    int multiprocessors() {
        return device().multiprocessors();
    }

    private CudaDevice device() {
        return space.context().device();
    }

    Tuning tuning(AttentionSpec spec, BatchShape batch) {
        return Tuning.of(spec, batch, multiprocessors(), device().sharedMemoryPerMultiprocessor());
    }

    KernelShape shape(AttentionSpec spec, BatchShape batch) {
        Tuning tuning = tuning(spec, batch);
        return KernelShape.of(spec, batch.maxQoLen(), tuning.rows(), tuning.warps(), tuning.ctas());
    }

    /** Returns the kernel for a shape; the first time it is taken from the jar or the cache, or compiled. */
    CudaKernel kernel(KernelShape shape) {
        return kernels.computeIfAbsent(shape, this::load);
    }

    private CudaKernel load(KernelShape shape) {
        CudaKernel kernel = loader.load(source, shape.macros(), ENTRY);
        kernel.setMaxDynamicShared(shape.sharedBytes());
        return kernel;
    }

    @Override
    public MemorySpace memorySpace() {
        return space;
    }

    @Override
    public List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        List<Rejection> reasons = refine(spec);
        if (reasons.isEmpty()) {
            KernelShape shape = shape(spec, batch);
            if (!kernels.containsKey(shape)) {
                loader.missing(source, shape.macros()).ifPresent(absent -> reasons.add(
                        Rejection.failure(CudaCoreBackendProvider.ID, RejectionCode.DEVICE_UNAVAILABLE,
                                Phase.REFINE,
                                Dimension.COLD_START, "the jar has no kernel for this shape",
                                Objects.requireNonNull(absent.getMessage()), null)));
            }
        }
        return reasons;
    }

    /** Returns what the kernel's argument has no room for. */
    static List<Rejection> refine(AttentionSpec spec) {
        List<Rejection> reasons = new ArrayList<>();
        if (spec.kvQuantisation() == KvQuantisation.PER_HEAD && spec.numKvHeads() > KernelShape.MAX_HEADS) {
            reasons.add(
                    Rejection.of(CudaCoreBackendProvider.ID, RejectionCode.UNSUPPORTED_VALUE, Phase.REFINE,
                            Dimension.KV_HEADS,
                            spec.numKvHeads() + " with scales per head", "1.." + KernelShape.MAX_HEADS,
                            "use one scale per tensor"));
        }
        return reasons;
    }

    @Override
    public BackendPlan plan(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        CudaQueue queue = options.queue() == null ? space.defaultQueue() : (CudaQueue) options.queue();
        return new CudaCorePlan(this, spec, batch, options, queue);
    }

    @Override
    public CostProfile costProfile() {
        // Of an H200; a device with less memory bandwidth has fewer multiprocessors or slower ones, roughly in step.
        double scale = multiprocessors() / 132.0;
        return new CostProfile(4300 * scale,
                Map.of(DataType.F32, 30000 * scale, DataType.BF16, 27000 * scale, DataType.F16,
                        27000 * scale),
                16000 * scale, multiprocessors(), CudaCoreSchedule.LEAST_TOKENS, 5, 10, 0.15, 3, 0);
    }

    @Override
    public void close() {
        kernels.values().forEach(CudaKernel::close);
        kernels.clear();
    }
}
