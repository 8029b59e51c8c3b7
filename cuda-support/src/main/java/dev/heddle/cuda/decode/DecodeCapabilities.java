package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.CapabilitiesBuilder;
import dev.heddle.core.capability.ColdStart;
import dev.heddle.core.capability.Concurrency;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.WorkspaceBound;
import dev.heddle.cuda.CudaDevice;

/**
 * What every backend on {@link DecodeBackend} can declare, whatever its kernel.
 *
 * @since 0.1
 */
@Evolving
public final class DecodeCapabilities {
    /** Oldest device that will do: it has asynchronous copies to shared memory. */
    public static final int LEAST_COMPUTE_CAPABILITY = 80;

    private static final int MOST_GROUP_SIZE = 128;
    private static final int MOST_HEAD_DIM = 256;
    private static final int MOST_QO_LEN = 64; // beyond it every tile of rows reads K and V again
    private static final int MOST_KV_LEN = 1 << 30; // positions are ints
    private static final int ALIGNMENT = 16;
    private static final long MOST_WORKSPACE = 1 << 30; // parts of a schedule that follows the batch: few
    private static final long MOST_FIXED = 256 * 8 * Float.BYTES; // others: parts × places of a tile for one row

    private DecodeCapabilities() {}

    /**
     * Starts a declaration that lacks dtypes only.
     *
     * @param headDimStep head dims are multiples of it, up to 256
     */
    public static CapabilitiesBuilder builder(int headDimStep) {
        IntSet headDims = IntSet.multiplesOf(headDimStep, MOST_HEAD_DIM);
        return Capabilities.builder()
                .groupSizes(IntSet.range(1, MOST_GROUP_SIZE))
                .headDims(HeadDims.pairs(headDims, headDims))
                .pageSizes(IntSet.atLeast(1))
                .qoLen(IntRange.of(0, MOST_QO_LEN))
                .kvLen(IntRange.of(0, MOST_KV_LEN))
                .batchSize(IntRange.atLeast(0))
                .kvQuantisations(KvQuantisation.values())
                .kvLayouts(KvLayout.values())
                .strides(Strides.STRIDED)
                .alignment(ALIGNMENT)
                .memorySpaces(CudaDevice.SPACE_KIND)
                .masks(MaskKind.NONE, MaskKind.CAUSAL, MaskKind.WINDOW)
                .features(Feature.SOFT_CAP, Feature.SINKS, Feature.ALIBI, Feature.LSE, Feature.PARTIAL,
                        Feature.FORCED_SPLITS)
                .determinism(Determinism.BATCH_INVARIANT)
                .accuracy(Accuracy.DTYPE)
                .concurrency(Concurrency.CONCURRENT)
                .async(true)
                .capture(true)
                .workspace(new WorkspaceBound(MOST_WORKSPACE, 0, MOST_FIXED))
                .coldStart(ColdStart.CACHED);
    }
}
