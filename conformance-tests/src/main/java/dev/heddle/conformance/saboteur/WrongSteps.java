package dev.heddle.conformance.saboteur;

import dev.heddle.conformance.reference.PlainMath;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.cache.KvPlane;

/** Plain attention with one step wrong. */
final class WrongSteps {
    private WrongSteps() {}

    /** Exponentials of logits as they are. */
    static final class NoMaximum extends PlainMath {
        @Override
        protected float shift(float max) {
            return 0;
        }
    }

    /** Where queries outnumber keys, positions count from 0. */
    static final class TopLeft extends PlainMath {
        @Override
        protected boolean visible(AttentionSpec spec, BatchShape batch, int request, int row, int key) {
            return spec.causal() && batch.qoLen(request) > batch.kvLen(request)
                    ? key <= row
                    : super.visible(spec, batch, request, row, key);
        }
    }

    /** The bias before the cap. */
    static final class CapAfterBias extends PlainMath {
        @Override
        protected float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            float cap = spec.logitsSoftCap();
            float s = dot * kScale * spec.smScale() + slope * distance;
            return cap > 0 ? (float) (cap * Math.tanh(s / cap)) : s;
        }
    }

    /** NaN is taken for a key that nobody sees. */
    static final class NanHidden extends PlainMath {
        @Override
        protected float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            float s = super.logit(spec, dot, kScale, slope, distance);
            return Float.isNaN(s) ? Float.NEGATIVE_INFINITY : s;
        }
    }

    /** The last part loses its last key. */
    static final class LosesSplitEnd extends PlainMath {
        @Override
        protected int splitEnd(int tokens, int split, int splits) {
            int end = super.splitEnd(tokens, split, splits);
            return splits > 1 && split == splits - 1 ? end - 1 : end;
        }
    }

    /** Scales per head are applied twice. */
    static final class ScaledTwice extends PlainMath {
        @Override
        protected float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            float scale = spec.kvQuantisation() == KvQuantisation.PER_HEAD ? kScale * kScale : kScale;
            return super.logit(spec, dot, scale, slope, distance);
        }
    }

    /** Whole pages are read, and what lies beyond the length is multiplied by zero. */
    static final class ReadsWholePages extends PlainMath {
        private boolean beyond;

        @Override
        protected int tokens(BatchShape batch, int request) {
            int pageSize = batch.pageTable().pageSize();
            return Math.ceilDiv(batch.kvLen(request), pageSize) * pageSize;
        }

        @Override
        protected boolean visible(AttentionSpec spec, BatchShape batch, int request, int row, int key) {
            beyond = key >= batch.kvLen(request);
            return beyond || super.visible(spec, batch, request, row, key);
        }

        @Override
        protected float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            return beyond ? -1e30f : super.logit(spec, dot, kScale, slope, distance);
        }
    }

    /** A request that ends with its second page loses a token. */
    static final class LosesPageEnd extends PlainMath {
        @Override
        protected int tokens(BatchShape batch, int request) {
            int pageSize = batch.pageTable().pageSize();
            int kvLen = batch.kvLen(request);
            return kvLen == 2 * pageSize && pageSize == 64 ? kvLen - 1 : kvLen;
        }
    }

    /** Offsets wrap where an int does. */
    static final class IntOffsets extends PlainMath {
        @Override
        protected long offset(KvPlane plane, int page, int slot, int kvHead) {
            return super.offset(plane, page, slot, kvHead) & Integer.MAX_VALUE;
        }
    }

    /** Gaps between tokens are overlooked. */
    static final class OverlooksStrides extends PlainMath {
        @Override
        protected long offset(KvPlane plane, int page, int slot, int kvHead) {
            boolean strided = plane.segments().size() > 1;
            return super.offset(plane, page, strided ? 0 : slot, kvHead);
        }
    }

    /** Query heads take KV heads in turns, for one group size. */
    static final class HeadsInTurns extends PlainMath {
        @Override
        protected int kvHead(AttentionSpec spec, int head) {
            return spec.groupSize() == 9 ? head % spec.numKvHeads() : super.kvHead(spec, head);
        }
    }
}
