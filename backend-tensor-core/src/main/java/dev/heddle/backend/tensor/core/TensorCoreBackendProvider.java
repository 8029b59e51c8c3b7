package dev.heddle.backend.tensor.core;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.CudaDriver;
import dev.heddle.cuda.decode.DecodeCapabilities;
import java.util.ArrayList;
import java.util.List;

/**
 * Decode, append and prefill on the tensor cores of an NVIDIA GPU, for any group size: the group is a run-time value.
 *
 * @since 0.1
 */
@Stable
public final class TensorCoreBackendProvider implements AttentionBackendProvider {
    static final String ID = "tensor-core";

    private static final int HEAD_DIM_STEP = 16;

    private static final Capabilities CAPABILITIES =
            DecodeCapabilities.builder(HEAD_DIM_STEP).qoLen(IntRange.atLeast(0)).dtypes(dtypes()).build();

    /** Makes the provider; called by {@link java.util.ServiceLoader}. */
    public TensorCoreBackendProvider() {}

    private static List<DtypeTuple> dtypes() {
        List<DtypeTuple> tuples = new ArrayList<>();
        for (DataType dtype : List.of(DataType.F16, DataType.BF16)) {
            for (DataType kv : List.of(dtype, DataType.FP8_E4M3, DataType.FP8_E5M2, DataType.INT8)) {
                tuples.add(DtypeTuple.of(dtype, kv));
                tuples.add(new DtypeTuple(dtype, kv, kv, DataType.F32));
            }
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
        return CudaDriver.availability(ID, DecodeCapabilities.LEAST_COMPUTE_CAPABILITY);
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new TensorCoreBackend(context);
    }
}
