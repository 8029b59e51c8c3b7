package dev.heddle.cli.input;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A case's tensors in the memory that a backend reads: the case's own where that is the host, copies elsewhere. */
public final class Placement implements AutoCloseable {
    private final MemorySpace space;
    private final List<Buffer> owned = new ArrayList<>();
    private final Tensor q;
    private final KvCacheView kv;
    private final HeadParameters heads;
    private final Tensor out;
    private final @Nullable Tensor lse;

    /** Places a case; {@link #close} frees what was copied. */
    public Placement(Case input, MemorySpace space) {
        this.space = space;
        try {
            this.q = place(input.q());
            this.kv = place(input.spec(), input.kv());
            this.heads = new HeadParameters(placeOptional(input.heads().sinks()),
                    placeOptional(input.heads().alibiSlopes()));
            long rows = input.batch().totalQoLen();
            var spec = input.spec();
            this.out =
                    Tensor.of(own(rows * spec.numQoHeads() * spec.headDimVo() * spec.outDtype().byteSize()),
                            spec.outDtype(), rows, spec.numQoHeads(), spec.headDimVo());
            this.lse = spec.lse()
                    ? Tensor.of(own(rows * spec.numQoHeads() * Float.BYTES), DataType.F32, rows,
                            spec.numQoHeads())
                    : null;
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private Buffer own(long bytes) {
        Buffer buffer = space.allocate(bytes, 256);
        owned.add(buffer);
        return buffer;
    }

    private Tensor place(Tensor host) {
        return space.id().isHost() ? host
                : Tensor.strided(copy(host.buffer()), host.byteOffset(), host.dtype(),
                        host.shape(), strides(host));
    }

    private static long[] strides(Tensor tensor) {
        long[] strides = new long[tensor.rank()];
        Arrays.setAll(strides, tensor::stride);
        return strides;
    }

    /** Fills the outputs with NaN: an element that a backend leaves unwritten must not be saved by what lay there. */
    public void poison() {
        for (Tensor tensor : lse == null ? List.of(out) : List.of(out, lse)) {
            byte[] ones = new byte[Math.toIntExact(tensor.buffer().byteSize())];
            Arrays.fill(ones, (byte) 0xFF);
            space.copyFromHost(MemorySegment.ofArray(ones), tensor.buffer(), 0, space.defaultQueue());
        }
        space.defaultQueue().synchronize();
    }

    private @Nullable Tensor placeOptional(@Nullable Tensor host) {
        return host == null ? null : place(host);
    }

    /** Returns a cache in this placement's memory: itself on the host, a copy elsewhere. */
    public KvCacheView place(AttentionSpec spec, KvCacheView cache) {
        if (space.id().isHost()) {
            return cache;
        }
        KvPlane k = cache.k();
        KvPlane v = cache.v();
        return KvCacheView.builder(spec, k.pagesPerSegment())
                .k(k.segments().stream().map(this::copy).toList(), k.byteOffset(), k.strides())
                .v(v.segments().stream().map(this::copy).toList(), v.byteOffset(), v.strides())
                .scales(cache.scales()).build();
    }

    private Buffer copy(Buffer host) {
        MemorySegment source = HostTensors.segment(host);
        Buffer target = own(source.byteSize());
        space.copyFromHost(source, target, 0, space.defaultQueue());
        return target;
    }

    /** Returns the queries. */
    public Tensor q() {
        return q;
    }

    /** Returns the cache. */
    public KvCacheView kv() {
        return kv;
    }

    /** Returns sinks and slopes, where there are any. */
    public HeadParameters heads() {
        return heads;
    }

    /** Returns where outputs go. */
    public Tensor out() {
        return out;
    }

    /** Returns where the LSE goes, or null where the spec has none. */
    public @Nullable Tensor lse() {
        return lse;
    }

    /** Returns an output's values on the host, row-major. */
    public float[] values(Tensor output) {
        if (space.id().isHost()) {
            return HostTensors.toFloats(output);
        }
        byte[] bytes = new byte[Math.toIntExact(output.buffer().byteSize())];
        MemorySegment host = MemorySegment.ofArray(bytes);
        space.copyToHost(output.buffer(), 0, host, space.defaultQueue());
        space.defaultQueue().synchronize();
        return HostTensors.toFloats(Tensor.of(host, output.dtype(), output.shape()));
    }

    @Override
    public void close() {
        owned.forEach(Buffer::close);
    }
}
