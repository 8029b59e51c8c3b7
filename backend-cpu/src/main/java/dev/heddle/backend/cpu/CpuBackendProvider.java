package dev.heddle.backend.cpu;

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
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.DataType;
import java.util.ArrayList;
import java.util.List;

/**
 * Attention on the CPU, for any group size, every dtype, layout and mask: the backend that is always there.
 *
 * @since 0.1
 */
@Stable
public final class CpuBackendProvider implements AttentionBackendProvider {
    /** What both backends of this module take: the one in C leaves to Java what it does not compute itself. */
    static final Capabilities CAPABILITIES = Capabilities.builder()
            .groupSizes(IntSet.atLeast(1))
            .headDims(HeadDims.pairs(IntSet.multiplesOf(8, 512), IntSet.multiplesOf(8, 512)))
            .pageSizes(IntSet.atLeast(1))
            .qoLen(IntRange.atLeast(0))
            .kvLen(IntRange.atLeast(0))
            .batchSize(IntRange.atLeast(0))
            .dtypes(dtypes())
            .kvQuantisations(KvQuantisation.values())
            .kvLayouts(KvLayout.values())
            .strides(Strides.STRIDED)
            .masks(MaskKind.values())
            .features(Feature.values())
            .determinism(Determinism.BATCH_INVARIANT)
            .accuracy(Accuracy.DTYPE)
            .concurrency(Concurrency.CONCURRENT)
            .workspace(new WorkspaceBound(Partials.MAX_BYTES, 0, 0))
            .coldStart(ColdStart.AHEAD_OF_TIME)
            .build();

    /** Makes the provider; called by {@link java.util.ServiceLoader}. */
    public CpuBackendProvider() {}

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
        return "cpu";
    }

    @Override
    public Capabilities capabilities() {
        return CAPABILITIES;
    }

    @Override
    public Availability probe() {
        DeviceInfo host = DeviceInfo.host();
        return new Availability.Available(List.of(new DeviceInfo(host.space(), host.name(),
                host.arch() + ", " + LoopChoice.loops().name(), host.memoryBytes(), host.driver())));
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new CpuBackend(context, false);
    }
}
