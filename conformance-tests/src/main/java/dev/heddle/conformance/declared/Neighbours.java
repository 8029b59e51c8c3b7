package dev.heddle.conformance.declared;

import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.Evolving;
import dev.heddle.core.attention.Accuracy;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.DtypeTuple;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the undeclared neighbours of every declared dimension.
 *
 * @since 0.1
 */
@Evolving
public final class Neighbours {
    private final Declared declared;
    private final Capabilities can;
    private final List<Neighbour> found = new ArrayList<>();

    private Neighbours(Declared declared) {
        this.declared = declared;
        this.can = declared.capabilities();
    }

    /** Returns the neighbours, in the order of the dimensions; empty only if everything is declared. */
    public static List<Neighbour> of(Declared declared) {
        Neighbours neighbours = new Neighbours(declared);
        neighbours.sizes();
        neighbours.types();
        neighbours.masksAndFeatures();
        neighbours.lengths();
        neighbours.execution();
        return List.copyOf(neighbours.found);
    }

    private void sizes() {
        for (int group : outside(can.groupSizes(), 1)) {
            int kvHeads = declared.kvHeads(1);
            add("group" + group, Dimension.GROUP_SIZE, group,
                    declared.base().numQoHeads(group * kvHeads).numKvHeads(kvHeads));
        }
        int group = declared.groupSizes().getFirst();
        for (int heads : outside(can.kvHeads(), 1)) {
            add("kvheads" + heads, Dimension.KV_HEADS, heads,
                    declared.base().numQoHeads(group * heads).numKvHeads(heads));
        }
        for (int page : outside(can.pageSizes(), 1)) {
            add("page" + page, Dimension.PAGE_SIZE, page, declared.base().pageSize(page));
        }
        for (int[] pair : declared.headDims()) {
            for (int[] next : new int[][]{
                    {pair[0] + 1, pair[1] + 1}, {pair[0] - 1, pair[1] - 1}, {pair[0], pair[1] + 1},
                    {pair[0] + 1, pair[1]}
            }) {
                boolean inside = next[0] < 1 || next[1] < 1
                        || can.headDims().stream().anyMatch(d -> d.contains(next[0], next[1]));
                if (!inside) {
                    add("dim" + next[0] + "x" + next[1], Dimension.HEAD_DIM, next[0] + "/" + next[1],
                            declared.base().headDim(next[0], next[1]));
                }
            }
        }
    }

    /** Returns numbers beside members that are no members themselves: below, above and in gaps. */
    static List<Integer> outside(IntSet set, int least) {
        Set<Integer> near = new TreeSet<>();
        List<Integer> members = set.isListed() ? set.values() : List.of(set.min(), set.max());
        for (int member : members) {
            near.add(member - 1);
            if (member < Integer.MAX_VALUE) {
                near.add(member + 1);
            }
        }
        return near.stream().filter(n -> n >= least && n < 1 << 20 && !set.contains(n)).toList();
    }

    private void types() {
        List<DtypeTuple> tried = new ArrayList<>();
        for (DataType q : DataType.values()) {
            tried.add(DtypeTuple.of(q));
            tried.add(DtypeTuple.of(declared.plainDtype().q(), q));
            tried.add(new DtypeTuple(q, declared.plainDtype().k(), declared.plainDtype().v(), q));
        }
        for (DtypeTuple tuple : tried) {
            if (!can.dtypes().contains(tuple)) {
                add("dtype-" + tuple.toString().replace('/', '-'), Dimension.DTYPE, tuple,
                        declared.base().dtype(tuple.q()).kvDtype(tuple.k(), tuple.v()).outDtype(tuple.out()));
            }
        }
        for (KvQuantisation quantisation : KvQuantisation.values()) {
            if (!can.kvQuantisations().contains(quantisation)) {
                add("quantisation-" + quantisation, Dimension.KV_QUANTISATION, quantisation,
                        declared.base().kvQuantisation(quantisation));
            }
        }
        for (KvLayout layout : KvLayout.values()) {
            if (!can.kvLayouts().contains(layout)) {
                add("layout-" + layout, Dimension.KV_LAYOUT, layout, declared.base().kvLayout(layout));
            }
        }
        if (can.strides() == Strides.DENSE) {
            add("strided", Dimension.STRIDES, Strides.STRIDED, declared.base().strided());
        }
    }

    private void masksAndFeatures() {
        AttentionSpecBuilder base = declared.base();
        if (!declared.has(MaskKind.NONE)) {
            add("mask-none", Dimension.MASK, MaskKind.NONE,
                    base.causal(false).windowLeft(-1).customMask(false));
        }
        if (!declared.has(MaskKind.WINDOW)) {
            add("mask-window", Dimension.MASK, MaskKind.WINDOW, declared.base().windowLeft(20));
        }
        if (!declared.has(MaskKind.CAUSAL) && declared.prefill()) {
            int[] qo = declared.qoLens(5);
            add("mask-causal", Dimension.MASK, MaskKind.CAUSAL, declared.base().causal().build(), qo,
                    declared.kvLens(33), options());
        }
        if (!declared.has(MaskKind.CUSTOM)) {
            add("mask-custom", Dimension.MASK, MaskKind.CUSTOM, declared.base().customMask(true));
        }
        feature(Feature.SOFT_CAP, declared.base().logitsSoftCap(30));
        feature(Feature.SINKS, declared.base().sinks(true));
        feature(Feature.ALIBI, declared.base().alibi(true));
        feature(Feature.LSE, declared.base().lse(true));
        if (!declared.has(Feature.PARTIAL)) {
            add("feature-PARTIAL", Dimension.FEATURE, Feature.PARTIAL, declared.base().build(),
                    declared.qoLens(1),
                    declared.kvLens(33), options().asPartial());
        }
        if (!declared.has(Feature.FORCED_SPLITS)) {
            add("feature-FORCED_SPLITS", Dimension.FEATURE, Feature.FORCED_SPLITS, declared.base().build(),
                    declared.qoLens(1), declared.kvLens(33), options().withKvSplits(2));
        }
    }

    private void feature(Feature feature, AttentionSpecBuilder builder) {
        if (!declared.has(feature)) {
            add("feature-" + feature, Dimension.FEATURE, feature, builder);
        }
    }

    private void lengths() {
        AttentionSpec spec = declared.base().build();
        for (int len : outside(can.qoLen())) {
            add("qo" + len, Dimension.QO_LEN, len, spec, new int[]{len}, declared.kvLens(33), options());
        }
        for (int len : outside(can.kvLen())) {
            add("kv" + len, Dimension.KV_LEN, len, spec, declared.qoLens(1), new int[]{len}, options());
        }
        for (int size : outside(can.batchSize())) {
            int[] qo = new int[size];
            int[] kv = new int[size];
            Arrays.fill(qo, declared.qoLens(1)[0]);
            Arrays.fill(kv, declared.kvLens(3)[0]);
            add("batch" + size, Dimension.BATCH_SIZE, size, spec, qo, kv, options());
        }
        if (can.pageIds().max() < 1 << 24) {
            pool("pages", Dimension.PAGE_ID, spec, can.pageIds().max() + 2, can.pageIds().max() + 1);
        }
        long pageBytes = Math.max(spec.kBytesPerPage(), spec.vBytesPerPage());
        long pages = can.maxKvBytes() / pageBytes + 1;
        if (pages < Math.min(Integer.MAX_VALUE, can.pageIds().max())) {
            pool("bytes", Dimension.KV_BYTES, spec, (int) pages, pages * pageBytes);
        }
    }

    private static List<Integer> outside(IntRange range) {
        List<Integer> near = new ArrayList<>();
        if (range.min() > 0) {
            near.add(range.min() - 1);
        }
        if (range.max() < 1 << 20) {
            near.add(range.max() + 1);
        }
        return near;
    }

    private void pool(String name, Dimension dimension, AttentionSpec spec, int poolPages, long requested) {
        int kvLen = Math.min(spec.pageSize(), declared.kvLens(1)[0]);
        PageTable table = PageTable.of(
                spec.pageSize(), poolPages, new int[]{0, kvLen == 0 ? 0 : 1}, new int[]{0}, new int[]{kvLen});
        int[] qoIndptr = {0, declared.qoLens(1)[0]};
        found.add(new Neighbour(name + poolPages, dimension, String.valueOf(requested), spec,
                masked(spec, BatchShape.of(qoIndptr, table)), options()));
    }

    private void execution() {
        AttentionSpec spec = declared.base().build();
        int[] qo = declared.qoLens(1);
        int[] kv = declared.kvLens(33);
        for (Determinism level : Determinism.values()) {
            if (level.compareTo(can.determinism()) > 0) {
                add("determinism-" + level, Dimension.DETERMINISM, level, declared.base().determinism(level));
            }
        }
        if (can.accuracy() == Accuracy.REDUCED) {
            add("accuracy-DTYPE", Dimension.ACCURACY, Accuracy.DTYPE,
                    declared.base().accuracy(Accuracy.DTYPE));
        }
        add("space-elsewhere", Dimension.MEMORY_SPACE, "elsewhere:0", spec, qo, kv,
                PlanOptions.in(MemorySpaceId.parse("elsewhere:0")));
        if (!can.capture()) {
            add("capture", Dimension.CAPTURE, true, spec, qo, kv, options().forCapture());
        }
    }

    private PlanOptions options() {
        return PlanOptions.in(new MemorySpaceId(can.memorySpaces().iterator().next(), 0));
    }

    private void add(String name, Dimension dimension, Object requested, AttentionSpecBuilder builder) {
        add(name, dimension, requested, builder.build(), declared.qoLens(1), declared.kvLens(33), options());
    }

    private void add(
            String name, Dimension dimension, Object requested, AttentionSpec spec, int[] qoLens,
            int[] kvLens,
            PlanOptions options) {
        int[] qoIndptr = new int[kvLens.length + 1];
        for (int i = 0; i < kvLens.length; i++) {
            qoIndptr[i + 1] = qoIndptr[i] + qoLens[i % qoLens.length];
        }
        PageTable table = RequestBuilder.scattered(spec.pageSize(), kvLens, new Random(1));
        found.add(new Neighbour(name, dimension, String.valueOf(requested), spec,
                masked(spec, BatchShape.of(qoIndptr, table)), options));
    }

    /** Returns the batch with a mask that hides nothing, where the spec asks for one. */
    private static BatchShape masked(AttentionSpec spec, BatchShape batch) {
        if (!spec.customMask()) {
            return batch;
        }
        int[] qoIndptr = new int[batch.batchSize() + 1];
        batch.copyQoIndptr(qoIndptr, 0);
        return batch.withMask(CustomMask.of(qoIndptr, batch.pageTable(), (request, row, key) -> true));
    }
}
