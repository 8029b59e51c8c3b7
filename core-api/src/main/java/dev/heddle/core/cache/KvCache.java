package dev.heddle.core.cache;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.MemorySpace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Keys and values of every layer, allocated in one memory space: a gapless buffer of K and one of V for each layer.
 * All layers share page ids, so one page table serves them all.
 *
 * @since 0.1
 */
@Stable
public final class KvCache implements AutoCloseable {
    private static final int ALIGNMENT = 256; // what bulk copies of every known device are content with

    private final AttentionSpec spec;
    private final MemorySpace space;
    private final int pages;
    private final List<Buffer> buffers = new ArrayList<>();
    private final List<KvCacheView> layers = new ArrayList<>();
    private volatile boolean closed;

    private KvCache(MemorySpace space, AttentionSpec spec, int pages) {
        this.space = space;
        this.spec = spec;
        this.pages = pages;
    }

    /**
     * Allocates a cache; its content is unspecified. Per-head scales start at 1.
     *
     * @param layers number of layers, 1 or more
     * @param pages physical pages of each layer, 1 or more
     * @throws dev.heddle.core.tensor.OutOfDeviceMemoryException if it does not fit; nothing stays allocated
     */
    public static KvCache allocate(MemorySpace space, AttentionSpec spec, int layers, int pages) {
        if (layers < 1 || pages < 1) {
            throw new IllegalArgumentException(
                    "a KV cache needs at least one layer and one page, got " + layers + " and " + pages);
        }
        KvCache cache = new KvCache(space, spec, pages);
        try {
            for (int i = 0; i < layers; i++) {
                Buffer k = cache.own(Math.multiplyExact(spec.kBytesPerPage(), pages));
                Buffer v = cache.own(Math.multiplyExact(spec.vBytesPerPage(), pages));
                KvCacheView.Builder view = KvCacheView.builder(spec, pages).k(List.of(k)).v(List.of(v));
                if (spec.kvQuantisation() == KvQuantisation.PER_HEAD) {
                    float[] ones = new float[spec.numKvHeads()];
                    Arrays.fill(ones, 1);
                    view.scales(KvScales.perHead(ones, ones));
                }
                cache.layers.add(view.build());
            }
        } catch (RuntimeException | Error e) {
            cache.close();
            throw e;
        }
        return cache;
    }

    private Buffer own(long bytes) {
        Buffer buffer = space.allocate(bytes, ALIGNMENT);
        buffers.add(buffer);
        return buffer;
    }

    /** Returns a layer's keys and values. */
    public KvCacheView layer(int index) {
        if (closed) {
            throw new IllegalStateException("KV cache is closed");
        }
        return layers.get(index);
    }

    /** Returns the number of layers. */
    public int layers() {
        return layers.size();
    }

    /** Returns the number of physical pages of each layer. */
    public int pages() {
        return pages;
    }

    /** Sets a layer's scales; views taken before keep the old ones. */
    public void scales(int layer, KvScales scales) {
        KvCacheView old = layer(layer);
        layers.set(layer, KvCacheView.builder(spec, pages)
                .k(old.k().segments()).v(old.v().segments()).scales(scales).build());
    }

    /** Copies a page to another in every layer: what a page pool asks for when a shared page is about to change. */
    public void copyPage(int from, int to, ExecutionQueue queue) {
        if (from < 0 || from >= pages || to < 0 || to >= pages || from == to) {
            throw new IllegalArgumentException(
                    "cannot copy page " + from + " to " + to + ": two different pages in 0.." + (pages - 1)
                            + " are needed");
        }
        for (int i = 0; i < layers.size(); i++) {
            KvCacheView layer = layer(i);
            copyPage(layer.k().segments().getFirst(), spec.kBytesPerPage(), from, to, queue);
            copyPage(layer.v().segments().getFirst(), spec.vBytesPerPage(), from, to, queue);
        }
    }

    private void copyPage(Buffer buffer, long pageBytes, int from, int to, ExecutionQueue queue) {
        space.copy(buffer, from * pageBytes, buffer, to * pageBytes, pageBytes, queue);
    }

    /** Frees the memory; views of it must not be used after. */
    @Override
    public void close() {
        closed = true;
        buffers.forEach(Buffer::close);
    }
}
