package dev.heddle.conformance.reference;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;

/**
 * Attention with nested loops over host memory, one thread, f32 arithmetic with compensated sums. Not registered as
 * a service: nobody should get it by accident.
 *
 * @since 0.1
 */
@Evolving
public final class PlainBackend implements AttentionBackendProvider {
    private final PlainMath math;

    /** Makes the provider. */
    public PlainBackend() {
        this(new PlainMath());
    }

    /** Makes the provider with one or more steps of its own. */
    public PlainBackend(PlainMath math) {
        this.math = math;
    }

    @Override
    public String id() {
        return "plain";
    }

    @Override
    public String version() {
        return "0.1";
    }

    @Override
    public Capabilities capabilities() {
        return Capabilities.builder()
                .groupSizes(IntSet.atLeast(1))
                .headDims(HeadDims.pairs(IntSet.range(1, 512), IntSet.range(1, 512)))
                .qoLen(IntRange.atLeast(0))
                .dtypes(
                        DtypeTuple.of(DataType.BF16),
                        DtypeTuple.of(DataType.F32),
                        new DtypeTuple(DataType.BF16, DataType.BF16, DataType.BF16, DataType.F32),
                        DtypeTuple.of(DataType.BF16, DataType.FP8_E4M3),
                        DtypeTuple.of(DataType.F32, DataType.INT8))
                .kvQuantisations(KvQuantisation.values())
                .kvLayouts(KvLayout.values())
                .strides(Strides.STRIDED)
                .masks(MaskKind.values())
                .features(Feature.values())
                .determinism(Determinism.BATCH_INVARIANT)
                .build();
    }

    @Override
    public AttentionBackend open(BackendContext context) {
        return new PlainSession(context.hostSpace(), math);
    }
}
