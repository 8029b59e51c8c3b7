package dev.heddle.core.attention;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.DataType;
import org.jspecify.annotations.Nullable;

/**
 * Collects the values of an {@link AttentionSpec}. Heads, head dim, dtype and page size have no default; everything
 * else has.
 *
 * @since 0.1
 */
@Stable
public final class AttentionSpecBuilder {
    private int numQoHeads;
    private int numKvHeads;
    private int headDimQk;
    private int headDimVo;
    private @Nullable DataType qDtype;
    private @Nullable DataType kDtype;
    private @Nullable DataType vDtype;
    private @Nullable DataType outDtype;
    private @Nullable KvQuantisation kvQuantisation;
    private KvLayout kvLayout = KvLayout.NHD;
    private int pageSize;
    private Strides strides = Strides.DENSE;
    private boolean causal;
    private int windowLeft = -1;
    private boolean customMask;
    private float smScale = Float.NaN; // NaN: 1 / sqrt(headDimQk)
    private float logitsSoftCap;
    private boolean sinks;
    private boolean alibi;
    private boolean lse = true;
    private Determinism determinism = Determinism.NONE;
    private Accuracy accuracy = Accuracy.DTYPE;

    AttentionSpecBuilder() {}

    AttentionSpecBuilder(AttentionSpec.Fields from) {
        numQoHeads = from.numQoHeads();
        numKvHeads = from.numKvHeads();
        headDimQk = from.headDimQk();
        headDimVo = from.headDimVo();
        qDtype = from.qDtype();
        kDtype = from.kDtype();
        vDtype = from.vDtype();
        outDtype = from.outDtype();
        kvQuantisation = from.kvQuantisation();
        kvLayout = from.kvLayout();
        pageSize = from.pageSize();
        strides = from.strides();
        causal = from.causal();
        windowLeft = from.windowLeft();
        customMask = from.customMask();
        smScale = from.smScale();
        logitsSoftCap = from.logitsSoftCap();
        sinks = from.sinks();
        alibi = from.alibi();
        lse = from.lse();
        determinism = from.determinism();
        accuracy = from.accuracy();
    }

    /** Sets the query and output heads, a multiple of the KV heads. */
    public AttentionSpecBuilder numQoHeads(int heads) {
        numQoHeads = heads;
        return this;
    }

    /** Sets the key and value heads. */
    public AttentionSpecBuilder numKvHeads(int heads) {
        numKvHeads = heads;
        return this;
    }

    /** Sets the per-head size of Q, K, V and out. */
    public AttentionSpecBuilder headDim(int dim) {
        return headDim(dim, dim);
    }

    /** Sets the per-head size of Q and K, and that of V and out. */
    public AttentionSpecBuilder headDim(int qk, int vo) {
        headDimQk = qk;
        headDimVo = vo;
        return this;
    }

    /** Sets the element type of q and out, and of K and V unless {@link #kvDtype} says otherwise. */
    public AttentionSpecBuilder dtype(DataType dtype) {
        qDtype = dtype;
        return this;
    }

    /** Sets the element type of cached keys and values; the default is that of q. */
    public AttentionSpecBuilder kvDtype(DataType dtype) {
        return kvDtype(dtype, dtype);
    }

    /** Sets the element types of cached keys and of cached values. */
    public AttentionSpecBuilder kvDtype(DataType k, DataType v) {
        kDtype = k;
        vDtype = v;
        return this;
    }

    /** Sets the element type of out; the default is that of q. */
    public AttentionSpecBuilder outDtype(DataType dtype) {
        outDtype = dtype;
        return this;
    }

    /** Sets how K and V are scaled; the default is per tensor for 8-bit types and none for the others. */
    public AttentionSpecBuilder kvQuantisation(KvQuantisation quantisation) {
        kvQuantisation = quantisation;
        return this;
    }

    /** Sets how a page lies in memory; the default is {@link KvLayout#NHD}. */
    public AttentionSpecBuilder kvLayout(KvLayout layout) {
        kvLayout = layout;
        return this;
    }

    /** Sets the tokens that a page holds, 1 or more. */
    public AttentionSpecBuilder pageSize(int tokens) {
        pageSize = tokens;
        return this;
    }

    /** Says that q, out or the KV cache may have gaps or several segments; the default is dense. */
    public AttentionSpecBuilder strided() {
        return strides(Strides.STRIDED);
    }

    /** Sets whether tensors and caches may have gaps. */
    public AttentionSpecBuilder strides(Strides use) {
        strides = use;
        return this;
    }

    /** Lets rows see only keys up to their own position. */
    public AttentionSpecBuilder causal() {
        return causal(true);
    }

    /** Sets whether rows see only keys up to their own position. */
    public AttentionSpecBuilder causal(boolean on) {
        causal = on;
        return this;
    }

    /** Lets rows see only keys from position − {@code left} on; −1 for all. */
    public AttentionSpecBuilder windowLeft(int left) {
        windowLeft = left;
        return this;
    }

    /** Says that batches bring a {@link CustomMask}. */
    public AttentionSpecBuilder customMask(boolean on) {
        customMask = on;
        return this;
    }

    /** Sets the factor on the dot products; the default is {@code 1 / sqrt(head_dim_qk)}. */
    public AttentionSpecBuilder smScale(float scale) {
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("sm_scale must be finite, got " + scale);
        }
        smScale = scale;
        return this;
    }

    /** Sets the soft cap on the logits, more than 0; 0 turns it off. */
    public AttentionSpecBuilder logitsSoftCap(float cap) {
        logitsSoftCap = cap;
        return this;
    }

    /** Says that runs bring one sink logit per query head. */
    public AttentionSpecBuilder sinks(boolean on) {
        sinks = on;
        return this;
    }

    /** Says that runs bring one ALiBi slope per query head. */
    public AttentionSpecBuilder alibi(boolean on) {
        alibi = on;
        return this;
    }

    /** Sets whether runs write the LSE; the default is true. */
    public AttentionSpecBuilder lse(boolean on) {
        lse = on;
        return this;
    }

    /** Sets what must stay equal bit for bit; the default is nothing. */
    public AttentionSpecBuilder determinism(Determinism level) {
        determinism = level;
        return this;
    }

    /** Sets the least accuracy that is good enough; the default is {@link Accuracy#DTYPE}. */
    public AttentionSpecBuilder accuracy(Accuracy level) {
        accuracy = level;
        return this;
    }

    /**
     * Makes the spec.
     *
     * @throws IllegalArgumentException naming the first value that is missing or does not fit
     */
    public AttentionSpec build() {
        requirePositive("num_qo_heads", numQoHeads);
        requirePositive("num_kv_heads", numKvHeads);
        if (numQoHeads % numKvHeads != 0) {
            throw new IllegalArgumentException(
                    "num_qo_heads must be a multiple of num_kv_heads (grouped-query"
                            + " attention shares each KV head among a whole group), got " + numQoHeads
                            + " and " + numKvHeads);
        }
        requirePositive("head_dim_qk", headDimQk);
        requirePositive("head_dim_vo", headDimVo);
        requirePositive("page_size", pageSize);
        DataType q = qDtype;
        if (q == null) {
            throw new IllegalArgumentException("dtype must be set, for example dtype(DataType.BF16)");
        }
        if (windowLeft < -1) {
            throw new IllegalArgumentException("window_left must be -1 (none) or more, got " + windowLeft);
        }
        if (!(logitsSoftCap >= 0) || Float.isInfinite(logitsSoftCap)) {
            throw new IllegalArgumentException(
                    "logits_soft_cap must be 0 (none) or finite and more, got " + logitsSoftCap);
        }
        DataType k = kDtype == null ? q : kDtype;
        DataType v = vDtype == null ? q : vDtype;
        KvQuantisation quantisation = kvQuantisation;
        if (quantisation == null) {
            quantisation =
                    k.isQuantised() || v.isQuantised() ? KvQuantisation.PER_TENSOR : KvQuantisation.NONE;
        }
        return new AttentionSpec(new AttentionSpec.Fields(
                numQoHeads, numKvHeads, headDimQk, headDimVo,
                q, k, v, outDtype == null ? q : outDtype, quantisation,
                kvLayout, pageSize, strides,
                causal, windowLeft, customMask,
                Float.isNaN(smScale) ? (float) (1 / Math.sqrt(headDimQk)) : smScale,
                logitsSoftCap, sinks, alibi, lse, determinism, accuracy));
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be set to 1 or more, got " + value);
        }
    }
}
