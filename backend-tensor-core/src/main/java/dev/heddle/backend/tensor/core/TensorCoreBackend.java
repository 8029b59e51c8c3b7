package dev.heddle.backend.tensor.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.decode.DecodeBackend;
import dev.heddle.cuda.decode.DecodeSchedule;
import dev.heddle.cuda.decode.KernelChoice;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/** Attention on the tensor cores of one device. */
final class TensorCoreBackend extends DecodeBackend {
    /** KV bytes from which dirty lines are no longer what bounds the reads, and the hint only costs. */
    private static final long EVICT_FIRST_BYTES = 384L << 20;

    TensorCoreBackend(BackendContext context) {
        super(TensorCoreBackendProvider.ID, context);
    }

    @Override
    protected TensorKernel shape(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return shape(spec, batch, request -> true, options);
    }

    private TensorKernel shape(AttentionSpec spec, BatchShape batch, IntPredicate members,
            PlanOptions options) {
        // A cluster makes whole multiples of its size; who asks for a number of parts gets that number.
        return TensorTuning.of(spec, batch, members, device(), options.kvSplits() == 0);
    }

    @Override
    protected TensorKernel invariantShape(AttentionSpec spec, BatchShape full) {
        return TensorTuning.invariant(spec, full, device());
    }

    /** Decodes among prefills have a launch of their own: in tiles made for many rows they would cost as much as those. */
    @Override
    protected List<KernelChoice> shapes(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        TensorKernel all = shape(spec, batch, options);
        int fewest = TensorTuning.rows(spec, batch.minQoLen());
        if (all.rows() <= 2 * fewest) {
            return List.of(KernelChoice.all(all));
        }
        boolean[] small = new boolean[batch.batchSize()];
        boolean[] large = new boolean[batch.batchSize()];
        for (int i = 0; i < small.length; i++) {
            small[i] = TensorTuning.rows(spec, batch.qoLen(i)) <= 2 * fewest;
            large[i] = !small[i];
        }
        return List.of(choice(spec, batch, large, options), choice(spec, batch, small, options));
    }

    private KernelChoice choice(AttentionSpec spec, BatchShape batch, boolean[] members,
            PlanOptions options) {
        return new KernelChoice(shape(spec, batch, request -> members[request], options), members);
    }

    @Override
    protected boolean evictFirst(AttentionSpec spec, BatchShape batch) {
        return batch.pageTable().totalKvLen() * spec.kvBytesPerToken() < EVICT_FIRST_BYTES;
    }

    @Override
    public CostProfile costProfile() {
        // Of an H200; a device with less memory bandwidth has fewer multiprocessors or slower ones, roughly in step.
        int multiprocessors = device().multiprocessors();
        double scale = multiprocessors / 132.0;
        return new CostProfile(4300 * scale,
                Map.of(DataType.BF16, 200000 * scale, DataType.F16, 200000 * scale),
                200000 * scale, multiprocessors, DecodeSchedule.LEAST_TOKENS, 5, 10, 0.15, 3, 0);
    }
}
