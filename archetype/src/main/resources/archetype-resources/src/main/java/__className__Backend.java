package ${package};

import dev.heddle.core.attention.Feature;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;

/** Decode, one thread, one element at a time. */
public final class ${className}Backend implements AttentionBackendProvider {
    @Override
    public String id() {
        return "${backendId}";
    }

    @Override
    public Capabilities capabilities() {
        return Capabilities.builder()
                .groupSizes(IntSet.of(1, 2, 3, 4, 7, 8))
                .headDims(64, 128)
                .dtypes(DataType.F32, DataType.BF16)
                .qoLen(IntRange.of(1))
                .features(Feature.LSE)
                .build();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new ${className}(context.hostSpace());
    }
}
