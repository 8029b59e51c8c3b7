package dev.heddle.core.session;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.Strides;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Checks the arguments of a run in a few dozen nanoseconds, without allocating unless one is wrong. */
final class RunCheck {
    private final AttentionSpec spec;
    private final MemorySpaceId space;
    private final int alignment;

    RunCheck(AttentionSpec spec, MemorySpaceId space, int alignment) {
        this.spec = spec;
        this.space = space;
        this.alignment = alignment;
    }

    void check(
            BatchShape batch, Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse,
            HeadParameters heads) {
        int rows = batch.totalQoLen();
        tensor("q", q, spec.qDtype(), rows, spec.headDimQk());
        tensor("out", out, spec.outDtype(), rows, spec.headDimVo());
        writable("out", out);
        if (spec.lse() != (lse != null)) {
            throw new IllegalArgumentException(spec.lse()
                    ? "the spec has LSE: pass an f32 tensor [" + rows + ", " + spec.numQoHeads()
                            + "], or build it with lse(false)"
                    : "the spec has no LSE: pass null, or build it with lse(true)");
        }
        if (lse != null) {
            if (lse.dtype() != DataType.F32 || !lse.hasShape(rows, spec.numQoHeads()) || !in(lse.buffer())) {
                throw new IllegalArgumentException(
                        "lse must be f32[" + rows + ", " + spec.numQoHeads() + "] in " + space
                                + ", got " + lse);
            }
            layout("lse", lse);
            writable("lse", lse);
        }
        cache(batch, kv);
        perHead("sinks", spec.sinks(), heads.sinks());
        perHead("ALiBi slopes", spec.alibi(), heads.alibiSlopes());
    }

    private void tensor(String name, Tensor tensor, DataType dtype, int rows, int dim) {
        if (tensor.dtype() != dtype || !tensor.hasShape(rows, spec.numQoHeads(), dim)
                || !in(tensor.buffer())) {
            throw new IllegalArgumentException(
                    name + " must be " + dtype.id() + "[" + rows + ", " + spec.numQoHeads()
                            + ", " + dim + "] in " + space + ", got " + tensor);
        }
        layout(name, tensor);
    }

    private boolean in(Buffer buffer) {
        return buffer.space().equals(space);
    }

    private void layout(String name, Tensor tensor) {
        if (!tensor.buffer().isOpen()) {
            throw new IllegalStateException("the buffer of " + name + " is closed");
        }
        if (spec.strides() == Strides.DENSE && !tensor.isDense()) {
            throw new IllegalArgumentException(
                    name + " must be dense, got " + tensor + "; build the spec with strided() to allow gaps");
        }
        long elements = alignment / tensor.dtype().byteSize();
        boolean aligned = alignment == 1 || tensor.byteOffset() % alignment == 0;
        for (int d = 0; aligned && elements > 1 && d < tensor.rank() - 1; d++) {
            aligned = tensor.extent(d) <= 1 || tensor.stride(d) % elements == 0;
        }
        if (!aligned && !name.equals("lse")) {
            throw new IllegalArgumentException(
                    name + " must start at, and have row strides of, a multiple of "
                            + alignment + " bytes for this backend, got " + tensor + " at byte "
                            + tensor.byteOffset());
        }
    }

    private static void writable(String name, Tensor tensor) {
        if (tensor.buffer() instanceof HostBuffer host && host.segment().isReadOnly()) {
            throw new IllegalArgumentException(name + " lies in read-only memory");
        }
    }

    private void cache(BatchShape batch, KvCacheView kv) {
        if (kv.numKvHeads() != spec.numKvHeads()
                || kv.headDimQk() != spec.headDimQk()
                || kv.headDimVo() != spec.headDimVo()
                || kv.pageSize() != spec.pageSize()
                || kv.k().dtype() != spec.kDtype()
                || kv.v().dtype() != spec.vDtype()
                || kv.scales().quantisation() != spec.kvQuantisation()
                || !kv.space().equals(space)) {
            throw new IllegalArgumentException(
                    "the KV cache must be " + spec + " with scales " + spec.kvQuantisation()
                            + " in " + space + ", got " + kv + " with scales " + kv.scales().quantisation());
        }
        if (kv.numPages() < batch.pageTable().poolPages()) {
            throw new IllegalArgumentException(
                    "the KV cache must have at least the " + batch.pageTable().poolPages()
                            + " pages of the page table's pool, got " + kv.numPages());
        }
        if (spec.strides() == Strides.DENSE && kv.denseLayout() != spec.kvLayout()) {
            throw new IllegalArgumentException(
                    "the KV cache must be one gapless segment of K and one of V in layout "
                            + spec.kvLayout() + "; build the spec with strided() to allow others");
        }
        plane("K", kv.k());
        plane("V", kv.v());
    }

    private void plane(String name, KvPlane plane) {
        for (int i = 0; i < plane.segments().size(); i++) {
            if (!plane.segments().get(i).isOpen()) {
                throw new IllegalStateException(name + " segment " + i + " of the KV cache is closed");
            }
        }
        int size = plane.dtype().byteSize();
        if (alignment > 1
                && (plane.byteOffset() % alignment
                        | plane.strides().page() * size % alignment
                        | plane.strides().token() * size % alignment
                        | plane.strides().head() * size % alignment) != 0) {
            throw new IllegalArgumentException(
                    name + " of the KV cache must start at, and have strides of, a multiple of "
                            + alignment + " bytes for this backend, got " + plane.strides() + " elements of "
                            + plane.dtype().id() + " at byte " + plane.byteOffset());
        }
    }

    private void perHead(String name, boolean wanted, @Nullable Tensor values) {
        if (wanted != (values != null)) {
            throw new IllegalArgumentException(wanted
                    ? "the spec has " + name + ": pass them in HeadParameters"
                    : "the spec has no " + name + ": pass HeadParameters without them");
        }
        if (values != null && !values.buffer().isOpen()) {
            throw new IllegalStateException("the buffer of " + name + " is closed");
        }
        if (values != null
                && (values.dtype() != DataType.F32
                        || values.rank() != 1
                        || values.extent(0) != spec.numQoHeads()
                        || !in(values.buffer()))) {
            throw new IllegalArgumentException(
                    name + " must be f32[" + spec.numQoHeads() + "] in " + space + ", got " + values);
        }
    }
}
