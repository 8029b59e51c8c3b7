package dev.heddle.backend.tensor.core;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.ColdStart;
import dev.heddle.core.capability.Concurrency;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.WorkspaceBound;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.CudaDriver;
import java.util.ArrayList;
import java.util.List;

/**
 * Decode and short append on the tensor cores of an NVIDIA GPU, for any group size: the group is a run-time value.
 *
 * @since 0.1
 */
@Stable
public final class TensorCoreBackendProvider implements AttentionBackendProvider {
    static final String ID = "tensor-core";

    private static final int LEAST_COMPUTE_CAPABILITY = 80; // cp.async
    private static final int MOST_HEAD_DIM = 256;
    private static final int MOST_GROUP_SIZE = 128;
    private static final int MOST_QO_LEN = 64; // beyond it every tile of rows reads K and V again
    private static final int MOST_KV_LEN = 1 << 30; // positions are ints
    private static final int ALIGNMENT = 16;

    private static final Capabilities CAPABILITIES = Capabilities.builder()
            .groupSizes(IntSet.range(1, MOST_GROUP_SIZE))
            .headDims(HeadDims.pairs(IntSet.multiplesOf(16, MOST_HEAD_DIM),
                    IntSet.multiplesOf(16, MOST_HEAD_DIM)))
            .pageSizes(IntSet.atLeast(1))
            .qoLen(IntRange.of(0, MOST_QO_LEN))
            .kvLen(IntRange.of(0, MOST_KV_LEN))
            .batchSize(IntRange.atLeast(0))
            .dtypes(dtypes())
            .kvQuantisations(KvQuantisation.values())
            .kvLayouts(KvLayout.values())
            .strides(Strides.STRIDED)
            .alignment(ALIGNMENT)
            .memorySpaces("cuda")
            .masks(MaskKind.NONE, MaskKind.CAUSAL, MaskKind.WINDOW)
            .features(Feature.SOFT_CAP, Feature.SINKS, Feature.ALIBI, Feature.LSE, Feature.PARTIAL,
                    Feature.FORCED_SPLITS)
            .determinism(Determinism.RUN_TO_RUN)
            .accuracy(Accuracy.DTYPE)
            .concurrency(Concurrency.CONCURRENT)
            .async(true)
            .capture(true)
            .workspace(new WorkspaceBound(1 << 30, 0, 0))
            .coldStart(ColdStart.CACHED)
            .build();

    /** Makes the provider; called by {@link java.util.ServiceLoader}. */
    public TensorCoreBackendProvider() {}

    private static List<DtypeTuple> dtypes() {
        List<DtypeTuple> tuples = new ArrayList<>();
        for (DataType dtype : List.of(DataType.F16, DataType.BF16)) {
            tuples.add(DtypeTuple.of(dtype, dtype));
            tuples.add(new DtypeTuple(dtype, dtype, dtype, DataType.F32));
        }
        return tuples;
    }

    @Override
    public String id() {
        return ID;
    }

    @Override
    public Capabilities capabilities() {
        return CAPABILITIES;
    }

    @Override
    public Availability probe() {
        return CudaDriver.availability(ID, LEAST_COMPUTE_CAPABILITY);
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new TensorCoreBackend(context);
    }
}
