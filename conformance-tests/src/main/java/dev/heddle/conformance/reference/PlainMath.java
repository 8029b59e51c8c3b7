package dev.heddle.conformance.reference;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.KvPlane;

/**
 * The single steps of plain attention. The kit's self-test breaks them one by one.
 *
 * @since 0.1
 */
@Evolving
public class PlainMath {
    /** Makes the steps. */
    public PlainMath() {}

    /** Which KV head a query head reads. */
    protected int kvHead(AttentionSpec spec, int head) {
        return head / spec.groupSize();
    }

    /** Which token slots of a request are looked at: the first so many. */
    protected int tokens(BatchShape batch, int request) {
        return batch.kvLen(request);
    }

    /** Whether a row sees a key. */
    protected boolean visible(AttentionSpec spec, BatchShape batch, int request, int row, int key) {
        int distance = batch.kvLen(request) - batch.qoLen(request) + row - key; // how far back the key lies
        boolean past = !spec.causal() || distance >= 0;
        boolean near = spec.windowLeft() < 0 || distance <= spec.windowLeft();
        return past && near
                && (!spec.customMask()
                        || batch.customMask().visible(request, row, key, batch.kvLen(request)));
    }

    /** Where a head's elements of a slot start, in bytes. */
    protected long offset(KvPlane plane, int page, int slot, int kvHead) {
        return plane.byteOffset(page, slot, kvHead);
    }

    /** The logit of a dot product; distance is key − position. */
    protected float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
        float s = dot * kScale * spec.smScale();
        if (spec.logitsSoftCap() > 0) {
            s = (float) (spec.logitsSoftCap() * Math.tanh(s / spec.logitsSoftCap()));
        }
        return s + slope * distance;
    }

    /** What logits are taken relative to. */
    protected float shift(float max) {
        return max;
    }

    /** The LSE of a sum of exponentials relative to a shift. */
    protected float lse(float shift, float sum) {
        return (float) (shift + Math.log(sum));
    }

    /** An element of the output. */
    protected float finish(float weighted, float sum, float vScale) {
        return weighted / sum * vScale;
    }

    /** Whether a request's rows are computed at all. */
    protected boolean computes(BatchShape batch, int request) {
        return true;
    }

    /** Where a part of split keys ends. */
    protected int splitEnd(int tokens, int split, int splits) {
        return (int) ((long) tokens * (split + 1) / splits);
    }
}
