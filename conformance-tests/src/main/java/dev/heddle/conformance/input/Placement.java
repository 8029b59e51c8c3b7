package dev.heddle.conformance.input;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvScales;
import dev.heddle.core.cache.KvStrides;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Where elements lie: gapless for a dense spec; with gaps, two segments and unequal K and V strides otherwise. */
record Placement(AttentionSpec spec, int alignment) {
    record Scales(float[] k, float[] v) {}

    /** Returns distances in elements of rows and heads of q or out. */
    long[] strides(DataType dtype, int dim) {
        long heads = spec.numQoHeads();
        if (!RequestBuilder.gaps(spec)) {
            return new long[]{heads * dim, dim, 1};
        }
        long unit = unit(dtype);
        long head = roundUp(dim, unit) + unit;
        return new long[]{heads * head + 3 * unit, head, 1};
    }

    /** Returns elements that keep the alignment, and never a power of two apart. */
    private long unit(DataType dtype) {
        return Math.max(1, alignment / dtype.byteSize()) * (alignment == 1 ? 3 : 1);
    }

    private static long roundUp(long value, long unit) {
        return Math.ceilDiv(value, unit) * unit;
    }

    /** Returns bytes that a tensor of this placement needs. */
    long bytes(DataType dtype, long rows, int dim) {
        return Math.max(1, rows * strides(dtype, dim)[0]) * dtype.byteSize();
    }

    Tensor hostTensor(DataType dtype, long rows, int dim) {
        Buffer buffer = HostBuffer.wrap(new byte[Math.toIntExact(bytes(dtype, rows, dim))]);
        return Tensor.strided(
                buffer, 0, dtype, new long[]{rows, spec.numQoHeads(), dim}, strides(dtype, dim));
    }

    KvStrides kvStrides(DataType dtype, int dim, int extra) {
        KvStrides dense = KvStrides.dense(spec.kvLayout(), spec.pageSize(), spec.numKvHeads(), dim);
        if (!RequestBuilder.gaps(spec)) {
            return dense;
        }
        long unit = unit(dtype) * extra;
        long inner = roundUp(dim, unit) + unit;
        return spec.kvLayout() == KvLayout.NHD
                ? new KvStrides(
                        spec.pageSize() * (spec.numKvHeads() * inner + unit) + unit,
                        spec.numKvHeads() * inner + unit, inner)
                : new KvStrides(
                        spec.numKvHeads() * (spec.pageSize() * inner + unit) + unit,
                        inner, spec.pageSize() * inner + unit);
    }

    KvCacheView hostCache(int pages, Scales scales) {
        int segments = RequestBuilder.gaps(spec) && pages % 2 == 0 && pages > 0 ? 2 : 1;
        int each = pages / segments;
        KvStrides k = kvStrides(spec.kDtype(), spec.headDimQk(), 1);
        KvStrides v = kvStrides(spec.vDtype(), spec.headDimVo(), 2);
        return KvCacheView.builder(spec, each)
                .k(buffers(segments, each * k.page() * spec.kDtype().byteSize()), 0, k)
                .v(buffers(segments, each * v.page() * spec.vDtype().byteSize()), 0, v)
                .scales(kvScales(scales))
                .build();
    }

    private static List<Buffer> buffers(int count, long bytes) {
        List<Buffer> buffers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            buffers.add(HostBuffer.wrap(new byte[Math.toIntExact(bytes)]));
        }
        return buffers;
    }

    private KvScales kvScales(Scales scales) {
        return switch (spec.kvQuantisation()) {
            case NONE -> KvScales.NONE;
            case PER_TENSOR -> KvScales.perTensor(scales.k()[0], scales.v()[0]);
            case PER_HEAD -> KvScales.perHead(scales.k(), scales.v());
        };
    }
}
