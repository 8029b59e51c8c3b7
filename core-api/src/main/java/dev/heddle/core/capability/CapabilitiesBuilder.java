package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Collects a declaration. The defaults are those of a small decode backend on the host: what is not set is not
 * promised.
 *
 * @since 0.1
 */
@Stable
public final class CapabilitiesBuilder {
    private @Nullable IntSet groupSizes;
    private IntSet kvHeads = IntSet.atLeast(1);
    private @Nullable List<HeadDims> headDims;
    private IntSet pageSizes = IntSet.atLeast(1);
    private boolean pageSplit = true;
    private IntRange qoLen = IntRange.of(1);
    private IntRange kvLen = IntRange.atLeast(0);
    private IntRange batchSize = IntRange.atLeast(1);
    private IntRange pageIds = IntRange.atLeast(0);
    private long maxKvBytes = Long.MAX_VALUE;
    private @Nullable List<DtypeTuple> dtypes;
    private Set<KvQuantisation> kvQuantisations = EnumSet.of(KvQuantisation.NONE);
    private Set<KvLayout> kvLayouts = EnumSet.of(KvLayout.NHD);
    private Strides strides = Strides.DENSE;
    private int alignment = 1;
    private Set<String> memorySpaces = Set.of(MemorySpaceId.HOST_KIND);
    private Set<PageTableForm> pageTableForms = EnumSet.of(PageTableForm.CSR);
    private Set<MaskKind> masks = EnumSet.of(MaskKind.NONE);
    private Set<Feature> features = EnumSet.noneOf(Feature.class);
    private Determinism determinism = Determinism.NONE;
    private Accuracy accuracy = Accuracy.DTYPE;
    private Concurrency concurrency = Concurrency.SERIAL;
    private boolean async = false;
    private boolean capture = false;
    private WorkspaceBound workspace = WorkspaceBound.NONE;
    private ColdStart coldStart = ColdStart.AHEAD_OF_TIME;

    CapabilitiesBuilder() {}

    CapabilitiesBuilder(Capabilities from) {
        groupSizes = from.groupSizes();
        kvHeads = from.kvHeads();
        headDims = from.headDims();
        pageSizes = from.pageSizes();
        pageSplit = from.pageSplit();
        qoLen = from.qoLen();
        kvLen = from.kvLen();
        batchSize = from.batchSize();
        pageIds = from.pageIds();
        maxKvBytes = from.maxKvBytes();
        dtypes = from.dtypes();
        kvQuantisations = from.kvQuantisations();
        kvLayouts = from.kvLayouts();
        strides = from.strides();
        alignment = from.alignment();
        memorySpaces = from.memorySpaces();
        pageTableForms = from.pageTableForms();
        masks = from.masks();
        features = from.features();
        determinism = from.determinism();
        accuracy = from.accuracy();
        concurrency = from.concurrency();
        async = from.async();
        capture = from.capture();
        workspace = from.workspace();
        coldStart = from.coldStart();
    }

    /** Sets values of {@code num_qo_heads / num_kv_heads}; no default. */
    public CapabilitiesBuilder groupSizes(IntSet value) {
        groupSizes = value;
        return this;
    }

    /** Sets values of {@code num_kv_heads}; the default is any. */
    public CapabilitiesBuilder kvHeads(IntSet value) {
        kvHeads = value;
        return this;
    }

    /** Sets pairs of head dims; no default. */
    public CapabilitiesBuilder headDims(HeadDims... values) {
        headDims = List.of(values);
        return this;
    }

    /** Sets listed head dims, each for Q, K, V and out alike. */
    public CapabilitiesBuilder headDims(int... dims) {
        return headDims(HeadDims.same(IntSet.of(dims)));
    }

    /** Sets tokens of a page; the default is any. */
    public CapabilitiesBuilder pageSizes(IntSet value) {
        pageSizes = value;
        return this;
    }

    /** Sets whether a page may be split over work units; the default is true. */
    public CapabilitiesBuilder pageSplit(boolean value) {
        pageSplit = value;
        return this;
    }

    /** Sets query rows of each request; the default is 1, decode only. */
    public CapabilitiesBuilder qoLen(IntRange value) {
        qoLen = value;
        return this;
    }

    /** Sets KV tokens of each request; the default is any. */
    public CapabilitiesBuilder kvLen(IntRange value) {
        kvLen = value;
        return this;
    }

    /** Sets number of requests; the default is 1 or more. */
    public CapabilitiesBuilder batchSize(IntRange value) {
        batchSize = value;
        return this;
    }

    /** Sets physical page ids; the default is any. */
    public CapabilitiesBuilder pageIds(IntRange value) {
        pageIds = value;
        return this;
    }

    /** Sets the largest size of one layer's K, or of its V, in bytes; the default is any. */
    public CapabilitiesBuilder maxKvBytes(long value) {
        maxKvBytes = value;
        return this;
    }

    /** Sets element types that run together; no default. */
    public CapabilitiesBuilder dtypes(DtypeTuple... values) {
        dtypes = List.of(values);
        return this;
    }

    /** Sets element types, each for q, K, V and out alike. */
    public CapabilitiesBuilder dtypes(DataType... values) {
        dtypes = Arrays.stream(values).map(DtypeTuple::of).toList();
        return this;
    }

    /** Sets element types that run together; no default. */
    public CapabilitiesBuilder dtypes(List<DtypeTuple> values) {
        dtypes = values;
        return this;
    }

    /** Sets scales on K and V; the default is none. */
    public CapabilitiesBuilder kvQuantisations(KvQuantisation... values) {
        kvQuantisations = Set.of(values);
        return this;
    }

    /** Sets layouts of a page; the default is NHD. */
    public CapabilitiesBuilder kvLayouts(KvLayout... values) {
        kvLayouts = Set.of(values);
        return this;
    }

    /** Sets whether tensors and caches may have gaps; the default is dense. */
    public CapabilitiesBuilder strides(Strides value) {
        strides = value;
        return this;
    }

    /** Sets bytes that bases and row strides must be a multiple of; the default is 1. */
    public CapabilitiesBuilder alignment(int value) {
        alignment = value;
        return this;
    }

    /** Sets kinds of memory that are read; the default is the host. */
    public CapabilitiesBuilder memorySpaces(String... values) {
        memorySpaces = Set.of(values);
        return this;
    }

    /** Sets forms of page table that are read; the default is CSR. */
    public CapabilitiesBuilder pageTableForms(PageTableForm... values) {
        pageTableForms = Set.of(values);
        return this;
    }

    /** Sets masks; the default is none. */
    public CapabilitiesBuilder masks(MaskKind... values) {
        masks = Set.of(values);
        return this;
    }

    /** Sets features; the default is none. */
    public CapabilitiesBuilder features(Feature... values) {
        features = Set.of(values);
        return this;
    }

    /** Sets the highest level that holds; the default is none. */
    public CapabilitiesBuilder determinism(Determinism value) {
        determinism = value;
        return this;
    }

    /** Sets the highest level that holds; the default is fp32 accumulation. */
    public CapabilitiesBuilder accuracy(Accuracy value) {
        accuracy = value;
        return this;
    }

    /** Sets runs at once; the default is one. */
    public CapabilitiesBuilder concurrency(Concurrency value) {
        concurrency = value;
        return this;
    }

    /** Sets whether run returns before the work is done; the default is false. */
    public CapabilitiesBuilder async(boolean value) {
        async = value;
        return this;
    }

    /** Sets whether runs can be captured and replayed; the default is false. */
    public CapabilitiesBuilder capture(boolean value) {
        capture = value;
        return this;
    }

    /** Sets upper bound on a plan's workspace; the default is none. */
    public CapabilitiesBuilder workspace(WorkspaceBound value) {
        workspace = value;
        return this;
    }

    /** Sets cost of the first plan of a new kind; the default is nothing. */
    public CapabilitiesBuilder coldStart(ColdStart value) {
        coldStart = value;
        return this;
    }

    /**
     * Makes the declaration.
     *
     * @throws IllegalArgumentException naming what has no default and was not set
     */
    public Capabilities build() {
        return new Capabilities(
                required("groupSizes", groupSizes),
                kvHeads,
                required("headDims", headDims),
                pageSizes,
                pageSplit,
                qoLen,
                kvLen,
                batchSize,
                pageIds,
                maxKvBytes,
                required("dtypes", dtypes),
                kvQuantisations,
                kvLayouts,
                strides,
                alignment,
                memorySpaces,
                pageTableForms,
                masks,
                features,
                determinism,
                accuracy,
                concurrency,
                async,
                capture,
                workspace,
                coldStart);
    }

    private static <T> T required(String name, @Nullable T value) {
        if (value == null) {
            throw new IllegalArgumentException("a declaration must set " + name);
        }
        return value;
    }
}
