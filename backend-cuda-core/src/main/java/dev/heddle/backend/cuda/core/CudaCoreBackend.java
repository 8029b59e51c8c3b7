package dev.heddle.backend.cuda.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.decode.DecodeBackend;
import dev.heddle.cuda.decode.DecodeSchedule;
import java.util.Map;

/** Attention on the CUDA cores of one device. */
final class CudaCoreBackend extends DecodeBackend {
    CudaCoreBackend(BackendContext context) {
        super(CudaCoreBackendProvider.ID, context);
    }

    private Tuning tuning(AttentionSpec spec, BatchShape batch) {
        return Tuning.of(spec, batch, device().multiprocessors(), device().sharedMemoryPerMultiprocessor());
    }

    @Override
    protected KernelShape shape(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        Tuning tuning = tuning(spec, batch);
        return KernelShape.of(spec, batch.maxQoLen(), tuning.rows(), tuning.warps(), tuning.ctas());
    }

    @Override
    protected boolean evictFirst(AttentionSpec spec, BatchShape batch) {
        return tuning(spec, batch).evictFirst();
    }

    @Override
    public CostProfile costProfile() {
        // Of an H200; a device with less memory bandwidth has fewer multiprocessors or slower ones, roughly in step.
        int multiprocessors = device().multiprocessors();
        double scale = multiprocessors / 132.0;
        return new CostProfile(4300 * scale,
                Map.of(DataType.F32, 30000 * scale, DataType.BF16, 27000 * scale, DataType.F16,
                        27000 * scale),
                16000 * scale, multiprocessors, DecodeSchedule.LEAST_TOKENS, 5, 10, 0.15, 3, 0);
    }
}
