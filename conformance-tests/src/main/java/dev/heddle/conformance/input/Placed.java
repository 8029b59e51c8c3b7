package dev.heddle.conformance.input;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request in a backend's memory: every buffer copied there between guard zones, outputs poisoned with bytes 0xFF
 * (NaN in every float type).
 *
 * @since 0.1
 */
@Evolving
public final class Placed implements AutoCloseable {
    private static final int GUARD = 4096; // whole zones keep any alignment that a backend may declare
    private static final byte PATTERN = (byte) 0x5A;
    private static final byte POISON = (byte) 0xFF;

    private final MemorySpace space;
    private final Request request;
    private final Placement placement;
    private final List<Zone> zones = new ArrayList<>();
    private final Tensor q;
    private final KvCacheView kv;
    private final Tensor out;
    private final @Nullable Tensor lse;
    private final HeadParameters heads;

    private record Zone(String name, Buffer buffer, byte[] content, boolean output) {}

    /**
     * Copies a request.
     *
     * @param alignment bytes that strides keep, as the backend declares
     */
    public Placed(MemorySpace space, Request request, int alignment) {
        this.space = space;
        this.request = request;
        AttentionSpec spec = request.spec();
        this.placement = new Placement(spec, alignment);
        int rows = request.batch().totalQoLen();
        this.q = copy("q", request.q());
        this.kv = KvCacheView.builder(spec, request.kv().k().pagesPerSegment())
                .k(copy("K", request.kv().k()), GUARD, request.kv().k().strides())
                .v(copy("V", request.kv().v()), GUARD, request.kv().v().strides())
                .scales(request.kv().scales())
                .build();
        this.heads = new HeadParameters(
                copyIfThere("sinks", request.heads().sinks()),
                copyIfThere("ALiBi slopes", request.heads().alibiSlopes()));
        DataType dtype = spec.outDtype();
        Buffer outBuffer = place("out", null, placement.bytes(dtype, rows, spec.headDimVo()));
        this.out =
                Tensor.strided(outBuffer, GUARD, dtype, new long[]{rows, spec.numQoHeads(), spec.headDimVo()},
                        placement.strides(dtype, spec.headDimVo()));
        if (spec.lse()) {
            long row = spec.numQoHeads() + (RequestBuilder.gaps(spec) ? 5 : 0);
            Buffer buffer = place("lse", null, Math.max(4, 4 * row * rows));
            this.lse = Tensor.strided(
                    buffer, GUARD, DataType.F32, new long[]{rows, spec.numQoHeads()}, new long[]{row, 1});
        } else {
            this.lse = null;
        }
    }

    private List<Buffer> copy(String name, KvPlane plane) {
        return plane.segments().stream()
                .map(b -> place(name, bytes(HostTensors.segment(b)), b.byteSize()))
                .toList();
    }

    private @Nullable Tensor copyIfThere(String name, @Nullable Tensor tensor) {
        return tensor == null ? null : copy(name, tensor);
    }

    private Tensor copy(String name, Tensor tensor) {
        Buffer buffer = place(name, bytes(HostTensors.segment(tensor.buffer())), tensor.buffer().byteSize());
        long[] strides = new long[tensor.rank()];
        for (int d = 0; d < strides.length; d++) {
            strides[d] = tensor.stride(d);
        }
        return Tensor.strided(buffer, GUARD + tensor.byteOffset(), tensor.dtype(), tensor.shape(), strides);
    }

    /**
     * Puts other inputs in place of those there are, in the same buffers, and poisons the outputs: what a step of an
     * engine finds in its buffers at the next step.
     *
     * @param other a request of the same sizes and scales
     */
    public void write(Request other) {
        List<Buffer> inputs = new ArrayList<>();
        inputs.add(other.q().buffer());
        inputs.addAll(other.kv().k().segments());
        inputs.addAll(other.kv().v().segments());
        for (Tensor tensor : Arrays.asList(other.heads().sinks(), other.heads().alibiSlopes())) {
            if (tensor != null) {
                inputs.add(tensor.buffer());
            }
        }
        for (int i = 0; i < inputs.size(); i++) { // zones are in the same order, inputs first
            byte[] content = bytes(HostTensors.segment(inputs.get(i)));
            Zone zone = zones.get(i);
            if (content.length != zone.content().length - 2 * GUARD) {
                throw new IllegalArgumentException(
                        zone.name() + " has " + content.length + " bytes in place of "
                                + (zone.content().length - 2 * GUARD));
            }
            System.arraycopy(content, 0, zone.content(), GUARD, content.length);
            space.copyFromHost(MemorySegment.ofArray(zone.content()), zone.buffer(), 0, space.defaultQueue());
        }
        poison();
    }

    private static byte[] bytes(MemorySegment segment) {
        byte[] bytes = new byte[Math.toIntExact(segment.byteSize())];
        MemorySegment.copy(segment, 0, MemorySegment.ofArray(bytes), 0, bytes.length);
        return bytes;
    }

    private Buffer place(String name, byte @Nullable [] content, long byteSize) {
        byte[] whole = new byte[Math.toIntExact(byteSize + 2 * GUARD)];
        Arrays.fill(whole, PATTERN);
        if (content == null) {
            Arrays.fill(whole, GUARD, whole.length - GUARD, POISON);
        } else {
            System.arraycopy(content, 0, whole, GUARD, content.length);
        }
        Buffer buffer = space.allocate(whole.length, 256);
        space.copyFromHost(MemorySegment.ofArray(whole), buffer, 0, space.defaultQueue());
        space.defaultQueue().synchronize();
        zones.add(new Zone(name, buffer, whole, content == null));
        return buffer;
    }

    /** Returns the queries. */
    public Tensor q() {
        return q;
    }

    /** Returns the cache. */
    public KvCacheView kv() {
        return kv;
    }

    /** Returns the output, poisoned until a run writes it. */
    public Tensor out() {
        return out;
    }

    /** Returns the LSE, poisoned until a run writes it; null where the spec has none. */
    public @Nullable Tensor lse() {
        return lse;
    }

    /** Returns sinks and slopes. */
    public HeadParameters heads() {
        return heads;
    }

    /** Poisons the outputs again. */
    public void poison() {
        for (Zone zone : zones) {
            if (zone.output()) {
                space.copyFromHost(MemorySegment.ofArray(zone.content()), zone.buffer(), 0,
                        space.defaultQueue());
            }
        }
        space.defaultQueue().synchronize();
    }

    /** Reads the outputs. */
    public Output read() {
        return new Output(read(out), lse == null ? new float[0] : read(lse));
    }

    private float[] read(Tensor tensor) {
        byte[] bytes = download(tensor.buffer());
        Tensor host = Tensor.strided(
                HostBuffer.wrap(bytes), tensor.byteOffset(), tensor.dtype(), tensor.shape(),
                stridesOf(tensor));
        return HostTensors.toFloats(host);
    }

    private static long[] stridesOf(Tensor tensor) {
        long[] strides = new long[tensor.rank()];
        Arrays.setAll(strides, tensor::stride);
        return strides;
    }

    private byte[] download(Buffer buffer) {
        byte[] bytes = new byte[Math.toIntExact(buffer.byteSize())];
        space.copyToHost(buffer, 0, MemorySegment.ofArray(bytes), space.defaultQueue());
        space.defaultQueue().synchronize();
        return bytes;
    }

    /**
     * Returns what was written that should not have been, in words; empty if nothing was: guard zones of every
     * buffer, gaps of strided outputs, inputs.
     */
    public String trespass() {
        for (Zone zone : zones) {
            byte[] now = download(zone.buffer());
            if (!zone.output()) {
                int at = Arrays.mismatch(now, zone.content());
                if (at >= 0) {
                    boolean guard = at < GUARD || at >= now.length - GUARD;
                    return (guard ? "a guard byte beside " : "the input ") + zone.name()
                            + " was written, at byte "
                            + (at - GUARD);
                }
            } else {
                String found = outputTrespass(zone, now);
                if (!found.isEmpty()) {
                    return found;
                }
            }
        }
        return "";
    }

    private String outputTrespass(Zone zone, byte[] now) {
        for (int i = 0; i < GUARD; i++) {
            int after = now.length - 1 - i;
            if (now[i] != PATTERN || now[after] != PATTERN) {
                return "a guard byte beside " + zone.name() + " was written, at byte "
                        + ((now[i] != PATTERN ? i : after) - GUARD) + " of " + (now.length - 2 * GUARD);
            }
        }
        Tensor tensor = lse != null && zone.buffer() == lse.buffer() ? lse : out;
        if (tensor.isDense()) {
            return "";
        }
        boolean[] owned = new boolean[now.length];
        int rowBytes = (int) tensor.extent(tensor.rank() - 1) * tensor.dtype().byteSize();
        long rows = tensor.extent(0);
        long inner = tensor.rank() == 3 ? tensor.extent(1) : 1;
        for (long r = 0; r < rows; r++) {
            for (long h = 0; h < inner; h++) {
                long element = r * tensor.stride(0) + (tensor.rank() == 3 ? h * tensor.stride(1) : 0);
                int at = (int) (tensor.byteOffset() + element * tensor.dtype().byteSize());
                Arrays.fill(owned, at, at + rowBytes, true);
            }
        }
        for (int i = GUARD; i < now.length - GUARD; i++) {
            if (!owned[i] && now[i] != POISON) {
                return "a gap between rows of " + zone.name() + " was written, at byte " + (i - GUARD);
            }
        }
        return "";
    }

    /** Returns the request that was copied. */
    public Request request() {
        return request;
    }

    /** Frees the memory. */
    @Override
    public void close() {
        zones.forEach(zone -> zone.buffer().close());
    }
}
