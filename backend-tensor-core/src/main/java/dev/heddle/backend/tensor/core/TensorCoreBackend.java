package dev.heddle.backend.tensor.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.decode.DecodeBackend;
import dev.heddle.cuda.decode.DecodeSchedule;
import java.util.Map;

/** Attention on the tensor cores of one device. */
final class TensorCoreBackend extends DecodeBackend {
    /** KV bytes from which dirty lines are no longer what bounds the reads, and the hint only costs. */
    private static final long EVICT_FIRST_BYTES = 384L << 20;

    TensorCoreBackend(BackendContext context) {
        super(TensorCoreBackendProvider.ID, context, source(TensorCoreBackend.class));
    }

    @Override
    protected TensorKernel shape(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        // A cluster makes whole multiples of its size; who asks for a number of parts gets that number.
        return TensorTuning.of(spec, batch, device(), options.kvSplits() == 0);
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
