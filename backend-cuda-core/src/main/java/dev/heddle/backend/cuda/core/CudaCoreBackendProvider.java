package dev.heddle.backend.cuda.core;

import dev.heddle.core.Stable;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.DtypeTuple;
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
 * Decode and short append on the CUDA cores of an NVIDIA GPU, for any group size: kernels are specialised when they
 * are first needed, not listed in a table.
 *
 * @since 0.1
 */
@Stable
public final class CudaCoreBackendProvider implements AttentionBackendProvider {
    static final String ID = "cuda-core";

    private static final int HEAD_DIM_STEP = 8;

    private static final Capabilities CAPABILITIES =
            DecodeCapabilities.builder(HEAD_DIM_STEP).dtypes(dtypes()).build();

    /** Makes the provider; called by {@link java.util.ServiceLoader}. */
    public CudaCoreBackendProvider() {}

    private static List<DtypeTuple> dtypes() {
        List<DtypeTuple> tuples = new ArrayList<>();
        for (DataType q : List.of(DataType.F32, DataType.F16, DataType.BF16)) {
            for (DataType kv : DataType.values()) {
                tuples.add(DtypeTuple.of(q, kv));
                if (q != DataType.F32) {
                    tuples.add(new DtypeTuple(q, kv, kv, DataType.F32));
                }
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
        return new CudaCoreBackend(context);
    }
}
