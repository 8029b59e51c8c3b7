package dev.heddle.core.cache;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One layer's keys and values as a backend reads them: a view of memory that somebody else owns, in one or several
 * equally sized segments, heap arrays included where the space is the host.
 *
 * <pre>{@code
 * // an engine's own cache: one float[] per 1024 pages holding K, then V, of this layer
 * var view = KvCacheView.builder(spec, 1024)
 *         .k(segments, 0, kStrides)
 *         .v(segments, vBase * 4L, vStrides)
 *         .build();
 * }</pre>
 *
 * @since 0.1
 */
@Stable
public final class KvCacheView {
    private final KvPlane k;
    private final KvPlane v;
    private final KvScales scales;
    private final int pageSize;
    private final int numKvHeads;
    private final int headDimQk;
    private final int headDimVo;
    private final @Nullable KvLayout denseLayout; // null when there are gaps or several segments

    private KvCacheView(Builder builder, KvPlane k, KvPlane v, KvScales scales) {
        this.k = k;
        this.v = v;
        this.scales = scales;
        this.pageSize = builder.spec.pageSize();
        this.numKvHeads = builder.spec.numKvHeads();
        this.headDimQk = builder.spec.headDimQk();
        this.headDimVo = builder.spec.headDimVo();
        this.denseLayout = dense(builder.spec) ? builder.spec.kvLayout() : null;
    }

    private boolean dense(AttentionSpec spec) {
        return k.segments().size() == 1
                && v.segments().size() == 1
                && k.strides().equals(KvStrides.denseK(spec))
                && v.strides().equals(KvStrides.denseV(spec));
    }

    /** Returns a view of one gapless buffer of K and one of V that hold {@code pages} pages. */
    public static KvCacheView of(AttentionSpec spec, int pages, Buffer k, Buffer v) {
        return builder(spec, pages).k(List.of(k)).v(List.of(v)).build();
    }

    /**
     * Starts a view.
     *
     * @param spec gives heads, head dims, dtypes, page size and layout
     * @param pagesPerSegment pages that each segment holds
     */
    public static Builder builder(AttentionSpec spec, int pagesPerSegment) {
        return new Builder(spec, pagesPerSegment);
    }

    /** Collects the parts of a view. */
    public static final class Builder {
        private final AttentionSpec spec;
        private final int pagesPerSegment;
        private @Nullable KvPlane k;
        private @Nullable KvPlane v;
        private @Nullable KvScales scales;

        private Builder(AttentionSpec spec, int pagesPerSegment) {
            if (pagesPerSegment < 0) {
                throw new IllegalArgumentException(
                        "pagesPerSegment must be 0 or more, got " + pagesPerSegment);
            }
            this.spec = spec;
            this.pagesPerSegment = pagesPerSegment;
        }

        /** Sets gapless key segments. */
        public Builder k(List<? extends Buffer> segments) {
            return k(segments, 0, KvStrides.denseK(spec));
        }

        /** Sets key segments: page 0 of each starts at {@code byteOffset}. */
        public Builder k(List<? extends Buffer> segments, long byteOffset, KvStrides strides) {
            k = plane("K", segments, byteOffset, strides, spec.kDtype(), spec.headDimQk());
            return this;
        }

        /** Sets gapless value segments. */
        public Builder v(List<? extends Buffer> segments) {
            return v(segments, 0, KvStrides.denseV(spec));
        }

        /** Sets value segments: page 0 of each starts at {@code byteOffset}. */
        public Builder v(List<? extends Buffer> segments, long byteOffset, KvStrides strides) {
            v = plane("V", segments, byteOffset, strides, spec.vDtype(), spec.headDimVo());
            return this;
        }

        /** Sets the scales; the default is none, or 1 where the spec asks for scales per tensor. */
        public Builder scales(KvScales values) {
            scales = values;
            return this;
        }

        /**
         * Makes the view.
         *
         * @throws IllegalArgumentException if a part is missing, a segment is too small, or K and V differ in pages
         *     or space, naming which
         */
        public KvCacheView build() {
            KvPlane keys = k;
            KvPlane values = v;
            if (keys == null || values == null) {
                throw new IllegalArgumentException(
                        "a KV cache view needs both K and V segments; " + (keys == null ? "K" : "V")
                                + " is missing");
            }
            if (keys.segments().size() != values.segments().size()) {
                throw new IllegalArgumentException("K and V must have as many segments, got "
                        + keys.segments().size() + " and " + values.segments().size());
            }
            MemorySpaceId space = keys.segments().getFirst().space();
            List<Buffer> all = new ArrayList<>(keys.segments());
            all.addAll(values.segments());
            for (Buffer segment : all) {
                if (!segment.space().equals(space)) {
                    throw new IllegalArgumentException(
                            "all segments of a KV cache must lie in one memory space, got "
                                    + space + " and " + segment.space());
                }
            }
            KvScales chosen = scales;
            if (chosen == null) {
                chosen = switch (spec.kvQuantisation()) {
                    case NONE -> KvScales.NONE;
                    case PER_TENSOR -> KvScales.perTensor(1, 1);
                    case PER_HEAD ->
                        throw new IllegalArgumentException("the spec says kv_quantisation PER_HEAD:"
                                + " set scales(KvScales.perHead(k, v)) with " + spec.numKvHeads()
                                + " values each");
                };
            }
            if (chosen.quantisation() != spec.kvQuantisation()) {
                throw new IllegalArgumentException("the spec says kv_quantisation " + spec.kvQuantisation()
                        + ", the scales are " + chosen.quantisation());
            }
            if (chosen.heads() != 0 && chosen.heads() != spec.numKvHeads()) {
                throw new IllegalArgumentException(
                        "per-head scales must have num_kv_heads = " + spec.numKvHeads()
                                + " values, got " + chosen.heads());
            }
            return new KvCacheView(this, keys, values, chosen);
        }

        private KvPlane plane(
                String name, List<? extends Buffer> segments, long byteOffset, KvStrides strides,
                DataType dtype,
                int headDim) {
            if (segments.isEmpty()) {
                throw new IllegalArgumentException(name + " needs at least one segment");
            }
            if (byteOffset < 0 || byteOffset % dtype.byteSize() != 0) {
                throw new IllegalArgumentException(
                        name + " byteOffset must be a multiple of " + dtype.byteSize()
                                + " (" + dtype.id() + "), got " + byteOffset);
            }
            long needed = 0;
            if (pagesPerSegment > 0) {
                try {
                    long last = Math.addExact(
                            Math.multiplyExact(strides.page(), pagesPerSegment - 1L),
                            Math.addExact(
                                    Math.multiplyExact(strides.token(), spec.pageSize() - 1L),
                                    Math.multiplyExact(strides.head(), spec.numKvHeads() - 1L)));
                    needed = Math.addExact(
                            byteOffset, Math.multiplyExact(Math.addExact(last, headDim), dtype.byteSize()));
                    Math.multiplyExact(pagesPerSegment, segments.size());
                } catch (ArithmeticException e) {
                    throw new IllegalArgumentException(name + " of " + segments.size() + " segments of "
                            + pagesPerSegment + " pages with " + strides + " is larger than can be addressed",
                            e);
                }
            }
            for (int i = 0; i < segments.size(); i++) {
                if (segments.get(i).byteSize() < needed) {
                    throw new IllegalArgumentException(name + " segment " + i + " must have at least "
                            + needed
                            + " bytes for " + pagesPerSegment + " pages of " + spec.pageSize() + " tokens, "
                            + spec.numKvHeads() + " KV heads, head_dim " + headDim + " " + dtype.id()
                            + ", got "
                            + segments.get(i).byteSize());
                }
            }
            return new KvPlane(List.copyOf(segments), byteOffset, pagesPerSegment, strides, dtype);
        }
    }

    /** Returns the keys. */
    public KvPlane k() {
        return k;
    }

    /** Returns the values. */
    public KvPlane v() {
        return v;
    }

    /** Returns the scales. */
    public KvScales scales() {
        return scales;
    }

    /** Returns the number of physical pages. */
    public int numPages() {
        return k.numPages();
    }

    /** Returns the tokens that a page holds. */
    public int pageSize() {
        return pageSize;
    }

    /** Returns the key and value heads. */
    public int numKvHeads() {
        return numKvHeads;
    }

    /** Returns the per-head size of K. */
    public int headDimQk() {
        return headDimQk;
    }

    /** Returns the per-head size of V. */
    public int headDimVo() {
        return headDimVo;
    }

    /** Returns the layout if the cache is gapless in one segment each, or null. */
    public @Nullable KvLayout denseLayout() {
        return denseLayout;
    }

    /** Returns the space that the segments lie in. */
    public MemorySpaceId space() {
        return k.segments().getFirst().space();
    }

    /** Returns shape and dtypes, for messages. */
    @Override
    public String toString() {
        return "KvCacheView[pages=" + numPages() + ", pageSize=" + pageSize + ", numKvHeads=" + numKvHeads
                + ", headDim=" + headDimQk + "/" + headDimVo + ", " + k.dtype().id() + "/" + v.dtype().id()
                + " in "
                + space() + "]";
    }
}
