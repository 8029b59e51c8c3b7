package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.attention.Strides;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a backend can run, as plain immutable data: equal at every call, and the same after a trip through JSON.
 * {@link CapabilitiesBuilder} has the defaults. A request is supported if every dimension contains its value.
 *
 * @param groupSizes values of {@code num_qo_heads / num_kv_heads}
 * @param kvHeads values of {@code num_kv_heads}
 * @param headDims pairs of head dims; one entry must contain the pair
 * @param pageSizes tokens of a page
 * @param pageSplit whether a page may be split over work units
 * @param qoLen query rows of each request
 * @param kvLen KV tokens of each request
 * @param batchSize number of requests
 * @param pageIds physical page ids
 * @param maxKvBytes largest size of one layer's K, or of its V, in bytes
 * @param dtypes element types that run together
 * @param kvQuantisations scales on K and V
 * @param kvLayouts layouts of a page
 * @param strides whether tensors and caches may have gaps
 * @param alignment bytes that bases and row strides must be a multiple of; 1 for none
 * @param memorySpaces kinds of memory that are read: {@code host}, {@code cuda}, …
 * @param pageTableForms forms of page table that are read
 * @param masks masks that may be asked for
 * @param features features that may be asked for
 * @param determinism the highest level that holds
 * @param accuracy the highest level that holds
 * @param concurrency runs at once
 * @param async whether run returns before the work is done
 * @param capture whether runs can be captured and replayed
 * @param workspace upper bound on a plan's workspace
 * @param coldStart cost of the first plan of a new kind
 * @since 0.1
 */
@Stable
public record Capabilities(
        IntSet groupSizes,
        IntSet kvHeads,
        List<HeadDims> headDims,
        IntSet pageSizes,
        boolean pageSplit,
        IntRange qoLen,
        IntRange kvLen,
        IntRange batchSize,
        IntRange pageIds,
        long maxKvBytes,
        List<DtypeTuple> dtypes,
        Set<KvQuantisation> kvQuantisations,
        Set<KvLayout> kvLayouts,
        Strides strides,
        int alignment,
        Set<String> memorySpaces,
        Set<PageTableForm> pageTableForms,
        Set<MaskKind> masks,
        Set<Feature> features,
        Determinism determinism,
        Accuracy accuracy,
        Concurrency concurrency,
        boolean async,
        boolean capture,
        WorkspaceBound workspace,
        ColdStart coldStart) {

    /** Copies every collection, so that the record never changes. Sets keep a fixed order. */
    public Capabilities {
        headDims = List.copyOf(headDims);
        dtypes = List.copyOf(dtypes);
        kvQuantisations = ordered(kvQuantisations, KvQuantisation.class);
        kvLayouts = ordered(kvLayouts, KvLayout.class);
        memorySpaces = Collections.unmodifiableSet(new TreeSet<>(memorySpaces));
        pageTableForms = ordered(pageTableForms, PageTableForm.class);
        masks = ordered(masks, MaskKind.class);
        features = ordered(features, Feature.class);
        if (alignment < 1 || Integer.bitCount(alignment) != 1) {
            throw new IllegalArgumentException("alignment must be a power of two, got " + alignment);
        }
    }

    private static <E extends Enum<E>> Set<E> ordered(Set<E> set, Class<E> type) {
        EnumSet<E> copy = EnumSet.noneOf(type);
        copy.addAll(set);
        return Collections.unmodifiableSet(copy);
    }

    /** Starts a declaration. Group sizes, head dims and dtypes must be set; see the builder for the rest. */
    public static CapabilitiesBuilder builder() {
        return new CapabilitiesBuilder();
    }

    /** Starts a declaration from this one. */
    public CapabilitiesBuilder toBuilder() {
        return new CapabilitiesBuilder(this);
    }

    /**
     * Holds a request against this declaration.
     *
     * @param backendId named in the rejections
     * @return supported, or every dimension that fails
     */
    public Support evaluate(String backendId, AttentionSpec spec, BatchShape batch, PlanOptions options) {
        return Support.of(new Evaluation(backendId, this).of(spec, batch, options));
    }
}
