package dev.heddle.core.capability;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Feature;
import dev.heddle.core.attention.MaskKind;
import dev.heddle.core.attention.PlanOptions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** Compares one request with one declaration, dimension by dimension. Allocates only when something fails. */
final class Evaluation {
    private final String backendId;
    private final Capabilities can;
    private List<Rejection> rejections = List.of();

    Evaluation(String backendId, Capabilities can) {
        this.backendId = backendId;
        this.can = can;
    }

    List<Rejection> of(AttentionSpec spec, BatchShape batch, PlanOptions options) {
        geometry(spec);
        types(spec);
        lengths(spec, batch);
        masks(spec, batch);
        features(spec, options);
        execution(spec, options);
        return rejections;
    }

    private void geometry(AttentionSpec spec) {
        if (!can.groupSizes().contains(spec.groupSize())) {
            refuse(Dimension.GROUP_SIZE, spec.groupSize(), can.groupSizes(),
                    "use a backend that declares this group size");
        }
        if (!can.kvHeads().contains(spec.numKvHeads())) {
            refuse(Dimension.KV_HEADS, spec.numKvHeads(), can.kvHeads(),
                    "use a backend that declares this many KV heads");
        }
        boolean dims = false;
        for (int i = 0; i < can.headDims().size() && !dims; i++) {
            dims = can.headDims().get(i).contains(spec.headDimQk(), spec.headDimVo());
        }
        if (!dims) {
            refuse(Dimension.HEAD_DIM, spec.headDimQk() + "/" + spec.headDimVo(), list(can.headDims()),
                    "pad the heads with zeros to an allowed size, or use a backend that declares this one");
        }
        if (!can.pageSizes().contains(spec.pageSize())) {
            refuse(Dimension.PAGE_SIZE, spec.pageSize(), can.pageSizes(),
                    "allocate the cache with an allowed page size");
        }
        if (!can.kvLayouts().contains(spec.kvLayout())) {
            refuse(Dimension.KV_LAYOUT, spec.kvLayout(), list(can.kvLayouts()),
                    "store pages in an allowed layout");
        }
        if (can.strides().compareTo(spec.strides()) < 0) {
            refuse(Dimension.STRIDES, spec.strides(), can.strides(),
                    "use dense tensors and a cache of one segment");
        }
    }

    private void types(AttentionSpec spec) {
        boolean found = false;
        for (int i = 0; i < can.dtypes().size() && !found; i++) {
            DtypeTuple tuple = can.dtypes().get(i);
            found = tuple.q() == spec.qDtype()
                    && tuple.k() == spec.kDtype()
                    && tuple.v() == spec.vDtype()
                    && tuple.out() == spec.outDtype();
        }
        if (!found) {
            refuse(Dimension.DTYPE,
                    new DtypeTuple(spec.qDtype(), spec.kDtype(), spec.vDtype(), spec.outDtype()),
                    list(can.dtypes()),
                    "use an allowed combination of q/k/v/out");
        }
        if (!can.kvQuantisations().contains(spec.kvQuantisation())) {
            refuse(Dimension.KV_QUANTISATION, spec.kvQuantisation(), list(can.kvQuantisations()),
                    "scale K and V in an allowed way");
        }
    }

    private void lengths(AttentionSpec spec, BatchShape batch) {
        if (!can.batchSize().contains(batch.batchSize())) {
            refuse(Dimension.BATCH_SIZE, batch.batchSize(), can.batchSize(), "split the batch");
        }
        if (batch.batchSize() > 0) {
            range(Dimension.QO_LEN, batch.minQoLen(), batch.maxQoLen(), can.qoLen(),
                    "run longer queries elsewhere");
            range(Dimension.KV_LEN, batch.pageTable().minKvLen(), batch.pageTable().maxKvLen(), can.kvLen(),
                    "use a backend that declares this length");
        }
        int pages = batch.pageTable().poolPages();
        if (pages > 0) {
            range(Dimension.PAGE_ID, 0, pages - 1, can.pageIds(), "use a pool of fewer pages");
        }
        long bytes = Math.max(spec.kBytesPerPage(), spec.vBytesPerPage()) * pages;
        if (bytes > can.maxKvBytes()) {
            refuse(Dimension.KV_BYTES, bytes, ".." + can.maxKvBytes(), "use a pool of fewer pages");
        }
        if (spec.pageSize() != batch.pageTable().pageSize()) {
            throw new IllegalArgumentException("the page table has page_size " + batch.pageTable().pageSize()
                    + ", the spec has " + spec.pageSize());
        }
    }

    private void range(Dimension dimension, int min, int max, IntRange allowed, String remedy) {
        if (!allowed.contains(max)) {
            refuse(dimension, max, allowed, remedy);
        } else if (!allowed.contains(min)) {
            refuse(dimension, min, allowed, remedy);
        }
    }

    private void masks(AttentionSpec spec, BatchShape batch) {
        for (MaskKind mask : spec.masks()) {
            // One query row, bottom-right aligned, sees every key: causal hides nothing from a decode batch.
            boolean vacuous =
                    mask == MaskKind.CAUSAL && batch.maxQoLen() <= 1 && can.masks().contains(MaskKind.NONE);
            if (!vacuous && !can.masks().contains(mask)) {
                refuse(Dimension.MASK, mask, list(can.masks()), "use a backend that declares this mask");
            }
        }
        if (spec.customMask() != (batch.customMask() != null)) {
            throw new IllegalArgumentException(spec.customMask()
                    ? "the spec says customMask: give the batch one with BatchShape.withMask"
                    : "the batch has a custom mask: say customMask(true) in the spec");
        }
    }

    private void features(AttentionSpec spec, PlanOptions options) {
        for (Feature feature : spec.features()) {
            feature(feature);
        }
        if (options.partial()) {
            feature(Feature.PARTIAL);
        }
        if (options.kvSplits() > 0) {
            feature(Feature.FORCED_SPLITS);
        }
    }

    private void feature(Feature feature) {
        if (!can.features().contains(feature)) {
            refuse(Dimension.FEATURE, feature, list(can.features()),
                    "use a backend that declares this feature");
        }
    }

    private void execution(AttentionSpec spec, PlanOptions options) {
        if (can.determinism().compareTo(spec.determinism()) < 0) {
            refuse(Dimension.DETERMINISM, spec.determinism(), can.determinism(),
                    "ask for less, or use another backend");
        }
        if (can.accuracy().compareTo(spec.accuracy()) < 0) {
            refuse(Dimension.ACCURACY, spec.accuracy(), can.accuracy(),
                    "ask for less, or use another backend");
        }
        if (!can.memorySpaces().contains(options.space().kind())) {
            refuse(Dimension.MEMORY_SPACE, options.space(), list(can.memorySpaces()),
                    "allocate q, out and the cache in a space that it reads");
        }
        if (options.capture() && !can.capture()) {
            refuse(Dimension.CAPTURE, true, false, "run without capture");
        }
    }

    private void refuse(Dimension dimension, Object requested, Object allowed, String remedy) {
        if (rejections.isEmpty()) {
            rejections = new ArrayList<>();
        }
        RejectionCode code = dimension == Dimension.FEATURE || dimension == Dimension.MASK
                ? RejectionCode.NOT_DECLARED
                : RejectionCode.UNSUPPORTED_VALUE;
        rejections.add(Rejection.of(
                backendId, code, Phase.CAPABILITY, dimension, String.valueOf(requested),
                String.valueOf(allowed),
                remedy));
    }

    private static String list(Collection<?> values) {
        return values.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
    }
}
