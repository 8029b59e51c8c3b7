package dev.heddle.core.attention;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.DataType;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * What stays the same for a model: heads, sizes, element types, layout, mask and features. Immutable; equal specs
 * are interchangeable.
 *
 * <pre>{@code
 * var spec = AttentionSpec.builder().numQoHeads(28).numKvHeads(4).headDim(128)
 *         .dtype(BF16).pageSize(16).causal().build();
 * }</pre>
 *
 * @since 0.1
 */
@Stable
public final class AttentionSpec {
    private final Fields fields;
    private final int hash;
    private final Set<MaskKind> masks;
    private final Set<Feature> features;

    AttentionSpec(Fields fields) {
        this.fields = fields;
        this.hash = fields.hashCode();
        this.masks = masksOf(fields);
        this.features = featuresOf(fields);
    }

    record Fields(
            int numQoHeads,
            int numKvHeads,
            int headDimQk,
            int headDimVo,
            DataType qDtype,
            DataType kDtype,
            DataType vDtype,
            DataType outDtype,
            KvQuantisation kvQuantisation,
            KvLayout kvLayout,
            int pageSize,
            Strides strides,
            boolean causal,
            int windowLeft,
            boolean customMask,
            float smScale,
            float logitsSoftCap,
            boolean sinks,
            boolean alibi,
            boolean lse,
            Determinism determinism,
            Accuracy accuracy) {}

    private static Set<MaskKind> masksOf(Fields fields) {
        EnumSet<MaskKind> masks = EnumSet.noneOf(MaskKind.class);
        if (fields.causal) {
            masks.add(MaskKind.CAUSAL);
        }
        if (fields.windowLeft >= 0) {
            masks.add(MaskKind.WINDOW);
        }
        if (fields.customMask) {
            masks.add(MaskKind.CUSTOM);
        }
        return masks.isEmpty() ? Set.of(MaskKind.NONE) : Collections.unmodifiableSet(masks);
    }

    private static Set<Feature> featuresOf(Fields fields) {
        EnumSet<Feature> features = EnumSet.noneOf(Feature.class);
        if (fields.logitsSoftCap != 0) {
            features.add(Feature.SOFT_CAP);
        }
        if (fields.sinks) {
            features.add(Feature.SINKS);
        }
        if (fields.alibi) {
            features.add(Feature.ALIBI);
        }
        if (fields.lse) {
            features.add(Feature.LSE);
        }
        return Collections.unmodifiableSet(features);
    }

    /** Starts a spec; heads, head dim, dtype and page size must be set. */
    public static AttentionSpecBuilder builder() {
        return new AttentionSpecBuilder();
    }

    /** Starts a spec from this one's values. */
    public AttentionSpecBuilder toBuilder() {
        return new AttentionSpecBuilder(fields);
    }

    /** Returns the query and output heads. */
    public int numQoHeads() {
        return fields.numQoHeads;
    }

    /** Returns the key and value heads. */
    public int numKvHeads() {
        return fields.numKvHeads;
    }

    /** Returns {@code num_qo_heads / num_kv_heads}, a whole number of 1 or more. */
    public int groupSize() {
        return fields.numQoHeads / fields.numKvHeads;
    }

    /** Returns the per-head size of Q and K. */
    public int headDimQk() {
        return fields.headDimQk;
    }

    /** Returns the per-head size of V and out. */
    public int headDimVo() {
        return fields.headDimVo;
    }

    /** Returns the element type of q. */
    public DataType qDtype() {
        return fields.qDtype;
    }

    /** Returns the element type of cached keys. */
    public DataType kDtype() {
        return fields.kDtype;
    }

    /** Returns the element type of cached values. */
    public DataType vDtype() {
        return fields.vDtype;
    }

    /** Returns the element type of out. LSE is always {@link DataType#F32}. */
    public DataType outDtype() {
        return fields.outDtype;
    }

    /** Returns how stored K and V are scaled. */
    public KvQuantisation kvQuantisation() {
        return fields.kvQuantisation;
    }

    /** Returns how a page lies in memory. */
    public KvLayout kvLayout() {
        return fields.kvLayout;
    }

    /** Returns the tokens that a page holds. */
    public int pageSize() {
        return fields.pageSize;
    }

    /** Returns whether tensors and caches may have gaps. */
    public Strides strides() {
        return fields.strides;
    }

    /** Returns whether rows see only keys up to their own position. */
    public boolean causal() {
        return fields.causal;
    }

    /** Returns how many keys before its own position a row sees; −1 for all. */
    public int windowLeft() {
        return fields.windowLeft;
    }

    /** Returns whether batches bring a {@link CustomMask}. */
    public boolean customMask() {
        return fields.customMask;
    }

    /** Returns the factor on the dot products. */
    public float smScale() {
        return fields.smScale;
    }

    /** Returns the soft cap on the logits; 0 for none. */
    public float logitsSoftCap() {
        return fields.logitsSoftCap;
    }

    /** Returns whether runs bring one sink logit per query head. */
    public boolean sinks() {
        return fields.sinks;
    }

    /** Returns whether runs bring one ALiBi slope per query head. */
    public boolean alibi() {
        return fields.alibi;
    }

    /** Returns whether runs also write the LSE. */
    public boolean lse() {
        return fields.lse;
    }

    /** Returns what must stay equal bit for bit. */
    public Determinism determinism() {
        return fields.determinism;
    }

    /** Returns the least accuracy that is good enough. */
    public Accuracy accuracy() {
        return fields.accuracy;
    }

    /** Returns the masks in force; {@code {NONE}} if there are none. Unmodifiable. */
    public Set<MaskKind> masks() {
        return masks;
    }

    /** Returns the features asked for. Unmodifiable. */
    public Set<Feature> features() {
        return features;
    }

    /** Returns the bytes of K and V of one token, all KV heads. */
    public long kvBytesPerToken() {
        return (long) numKvHeads()
                * ((long) headDimQk() * kDtype().byteSize() + (long) headDimVo() * vDtype().byteSize());
    }

    /** Returns the bytes of one page of K, dense. */
    public long kBytesPerPage() {
        return (long) pageSize() * numKvHeads() * headDimQk() * kDtype().byteSize();
    }

    /** Returns the bytes of one page of V, dense. */
    public long vBytesPerPage() {
        return (long) pageSize() * numKvHeads() * headDimVo() * vDtype().byteSize();
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || (other instanceof AttentionSpec that && hash == that.hash && fields.equals(that.fields));
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** Returns the spec in one line, in the field's terms. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder()
                .append(numQoHeads()).append('/').append(numKvHeads())
                .append(" heads (group ").append(groupSize()).append("), head_dim ").append(headDimQk());
        if (headDimVo() != headDimQk()) {
            text.append('/').append(headDimVo());
        }
        text.append(", ").append(qDtype().id());
        if (kDtype() != qDtype()) {
            text.append(", KV ").append(kDtype().id());
        }
        text.append(", page ").append(pageSize()).append(' ').append(kvLayout());
        if (causal()) {
            text.append(", causal");
        }
        if (windowLeft() >= 0) {
            text.append(", window_left ").append(windowLeft());
        }
        if (logitsSoftCap() != 0) {
            text.append(", soft cap ").append(logitsSoftCap());
        }
        return text.append(sinks() ? ", sinks" : "").append(alibi() ? ", ALiBi" : "").toString();
    }
}
