package dev.heddle.core.cache;

import dev.heddle.core.Stable;
import dev.heddle.core.attention.KvQuantisation;
import java.util.Arrays;

/**
 * The factors that turn stored K and V into values: none, one each, or one each for every KV head. Immutable.
 *
 * @since 0.1
 */
@Stable
public final class KvScales {
    /** Values are stored as they are. */
    public static final KvScales NONE = new KvScales(KvQuantisation.NONE, new float[]{1}, new float[]{1});

    private final KvQuantisation quantisation;
    private final float[] k;
    private final float[] v;

    private KvScales(KvQuantisation quantisation, float[] k, float[] v) {
        this.quantisation = quantisation;
        this.k = k;
        this.v = v;
    }

    /** Returns one scale for K and one for V, both finite. */
    public static KvScales perTensor(float k, float v) {
        return new KvScales(KvQuantisation.PER_TENSOR, checked(new float[]{k}), checked(new float[]{v}));
    }

    /** Returns scales for each KV head, {@code [num_kv_heads]} each, all finite; the arrays are copied. */
    public static KvScales perHead(float[] k, float[] v) {
        if (k.length != v.length || k.length == 0) {
            throw new IllegalArgumentException(
                    "per-head scales need one value per KV head for K and for V, got " + k.length + " and "
                            + v.length);
        }
        return new KvScales(KvQuantisation.PER_HEAD, checked(k.clone()), checked(v.clone()));
    }

    private static float[] checked(float[] scales) {
        for (float scale : scales) {
            if (!Float.isFinite(scale)) {
                throw new IllegalArgumentException(
                        "KV scales must be finite, got " + Arrays.toString(scales));
            }
        }
        return scales;
    }

    /** Returns how the cache is scaled. */
    public KvQuantisation quantisation() {
        return quantisation;
    }

    /** Returns the factor on stored keys of a KV head. */
    public float k(int kvHead) {
        return k[k.length == 1 ? 0 : kvHead];
    }

    /** Returns the factor on stored values of a KV head. */
    public float v(int kvHead) {
        return v[v.length == 1 ? 0 : kvHead];
    }

    /** Returns the number of KV heads that have scales of their own; 0 unless per head. */
    int heads() {
        return quantisation == KvQuantisation.PER_HEAD ? k.length : 0;
    }

    @Override
    public String toString() {
        return quantisation + " k " + Arrays.toString(k) + " v " + Arrays.toString(v);
    }
}
