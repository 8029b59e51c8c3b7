package dev.heddle.conformance.reference;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvLayout;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.ColdStart;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** One backend for each rule of chapters 2 to 4, broken in exactly the way that the rule is about. */
final class Faults {
    private Faults() {}

    /** Rule 2.01: the declaration changes from call to call. */
    static final class ChangingDeclaration extends BrokenBackend {
        private int calls;

        @Override
        public Capabilities capabilities() {
            ColdStart coldStart = ++calls % 2 == 0 ? ColdStart.CACHED : ColdStart.AHEAD_OF_TIME;
            return super.capabilities().toBuilder().coldStart(coldStart).build();
        }
    }

    /** Rule 2.02: wrong for one pair of declared values. */
    static final class WrongForOnePair extends PlainMath {
        @Override
        float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            boolean pair = spec.groupSize() == 6 && spec.kvLayout() == KvLayout.HND;
            return super.logit(spec, pair ? 2 * dot : dot, kScale, slope, distance);
        }
    }

    /** Rule 2.03: when opened, it lets more pass than it declares. */
    static final class MoreThanDeclared extends BrokenBackend {
        private boolean opening;

        @Override
        public Capabilities capabilities() {
            Capabilities all = super.capabilities();
            boolean wide = opening;
            opening = false;
            return wide ? all : all.toBuilder().pageSizes(IntSet.of(8, 16)).build();
        }

        @Override
        public AttentionBackend open(BackendContext context) {
            opening = true;
            return super.open(context);
        }
    }

    /** Rule 2.05: the answer depends on how often it was asked. */
    static final class MoodySupport extends BrokenBackend {
        private int asked;

        @Override
        List<Rejection> refine(AttentionSpec spec, BatchShape batch, PlanOptions options) {
            return ++asked % 3 != 0
                    ? List.of()
                    : List.of(Rejection.of(
                            id(), RejectionCode.RESOURCES, Phase.REFINE, Dimension.WORKSPACE, "1", "0", ""));
        }
    }

    /** Rule 2.06: supported, they say, and then no plan. */
    static final class PromisesTooMuch extends BrokenBackend {
        @Override
        void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
            if (spec.numKvHeads() == 1 && spec.kvLayout() == KvLayout.HND) {
                throw new UnsupportedOperationException("no kernel for one KV head");
            }
        }
    }

    /** Rule 2.07: no pages of 16 tokens. */
    static final class BelowLeastProfile extends BrokenBackend {
        @Override
        public Capabilities capabilities() {
            return super.capabilities().toBuilder().pageSizes(IntSet.of(8, 32)).build();
        }
    }

    /** Rule 3.01: long sequences lose digits. */
    static final class CoarseSums extends PlainMath {
        private boolean longSequence;

        @Override
        int tokens(BatchShape batch, int request) {
            longSequence = batch.kvLen(request) > 320;
            return super.tokens(batch, request);
        }

        @Override
        float finish(float weighted, float sum, float vScale) {
            float exact = super.finish(weighted, sum, vScale);
            return longSequence ? Math.round(exact * 64) / 64f : exact;
        }
    }

    /** Rule 3.02: the LSE in base 2. */
    static final class BaseTwo extends PlainMath {
        @Override
        float lse(float shift, float sum) {
            return (float) (super.lse(shift, sum) / Math.log(2));
        }
    }

    /** Rule 3.03: query heads take KV heads in turns, for one group size. */
    static final class HeadsInTurns extends PlainMath {
        @Override
        int kvHead(AttentionSpec spec, int head) {
            return spec.groupSize() == 9 ? head % spec.numKvHeads() : super.kvHead(spec, head);
        }
    }

    /** Rule 3.04: exponentials of logits as they are. */
    static final class NoMaximum extends PlainMath {
        @Override
        float shift(float max) {
            return 0;
        }
    }

    /** Rule 3.05: where queries outnumber keys, positions count from 0. */
    static final class TopLeft extends PlainMath {
        @Override
        boolean visible(AttentionSpec spec, BatchShape batch, int request, int row, int key) {
            return spec.causal() && batch.qoLen(request) > batch.kvLen(request)
                    ? key <= row
                    : super.visible(spec, batch, request, row, key);
        }
    }

    /** Rule 3.06: the bias before the cap. */
    static final class CapAfterBias extends PlainMath {
        @Override
        float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            float cap = spec.logitsSoftCap();
            float s = dot * kScale * spec.smScale() + slope * distance;
            return cap > 0 ? (float) (cap * Math.tanh(s / cap)) : s;
        }
    }

    /** Rule 3.07: NaN is taken for a key that nobody sees. */
    static final class NanHidden extends PlainMath {
        @Override
        float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            float s = super.logit(spec, dot, kScale, slope, distance);
            return Float.isNaN(s) ? Float.NEGATIVE_INFINITY : s;
        }
    }

    /** Rule 3.08: the last part loses its last key. */
    static final class LosesSplitEnd extends PlainMath {
        @Override
        int splitEnd(int tokens, int split, int splits) {
            int end = super.splitEnd(tokens, split, splits);
            return splits > 1 && split == splits - 1 ? end - 1 : end;
        }
    }

    /** Rule 3.09: a bit more at every other element computed. */
    static final class Flickering extends PlainMath {
        private long computed;

        @Override
        float lse(float shift, float sum) {
            float exact = super.lse(shift, sum);
            return ++computed % 7 == 0 ? Math.nextUp(exact) : exact;
        }
    }

    /** Rule 3.09: sums differ in the last bit where a batch is large. */
    static final class SeesTheCrowd extends PlainMath {
        private boolean crowded;

        @Override
        int tokens(BatchShape batch, int request) {
            crowded = batch.batchSize() > 100;
            return super.tokens(batch, request);
        }

        @Override
        float lse(float shift, float sum) {
            float exact = super.lse(shift, sum);
            return crowded ? Math.nextUp(exact) : exact;
        }
    }

    /** Rule 3.10: scales per head are applied twice. */
    static final class ScaledTwice extends PlainMath {
        @Override
        float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            float scale = spec.kvQuantisation() == KvQuantisation.PER_HEAD ? kScale * kScale : kScale;
            return super.logit(spec, dot, scale, slope, distance);
        }
    }

    /** Rule 4.01: requests without keys are left out. */
    static final class SkipsEmpty extends PlainMath {
        @Override
        boolean computes(BatchShape batch, int request) {
            return batch.kvLen(request) > 0;
        }
    }

    /** Rule 4.02: whole pages are read, and what lies beyond the length is multiplied by zero. */
    static final class ReadsWholePages extends PlainMath {
        private boolean beyond;

        @Override
        int tokens(BatchShape batch, int request) {
            int pageSize = batch.pageTable().pageSize();
            return Math.ceilDiv(batch.kvLen(request), pageSize) * pageSize;
        }

        @Override
        boolean visible(AttentionSpec spec, BatchShape batch, int request, int row, int key) {
            beyond = key >= batch.kvLen(request);
            return beyond || super.visible(spec, batch, request, row, key);
        }

        @Override
        float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            return beyond ? -1e30f : super.logit(spec, dot, kScale, slope, distance);
        }
    }

    /** Rule 4.03: odd pages count a little more. */
    static final class PagesDiffer extends PlainMath {
        private int page;

        @Override
        long offset(KvPlane plane, int pageId, int slot, int kvHead) {
            page = pageId;
            return super.offset(plane, pageId, slot, kvHead);
        }

        @Override
        float logit(AttentionSpec spec, float dot, float kScale, float slope, int distance) {
            float s = super.logit(spec, dot, kScale, slope, distance);
            return spec.qDtype() == DataType.BF16 && page % 2 == 1 ? s + 4e-6f : s;
        }
    }

    /** Rule 4.04: a page that requests share is written to. */
    static final class WritesSharedPages extends BrokenBackend {
        @Override
        void afterRun(BatchShape batch, KvCacheView kv, Tensor out) {
            Set<Integer> seen = new HashSet<>();
            Set<Integer> written = new HashSet<>();
            for (int i = 0; i < batch.pageTable().totalPages(); i++) {
                int page = batch.pageTable().kvIndex(i);
                if (!seen.add(page) && written.add(page)) {
                    MemorySegment keys = HostTensors.segment(kv.k().segmentOf(page));
                    long at = kv.k().byteOffset(page, 0, 0);
                    keys.set(ValueLayout.JAVA_BYTE, at, (byte) ~keys.get(ValueLayout.JAVA_BYTE, at));
                }
            }
        }
    }

    /** Rule 4.05: a request that ends with its second page loses a token. */
    static final class LosesPageEnd extends PlainMath {
        @Override
        int tokens(BatchShape batch, int request) {
            int pageSize = batch.pageTable().pageSize();
            int kvLen = batch.kvLen(request);
            return kvLen == 2 * pageSize && pageSize == 64 ? kvLen - 1 : kvLen;
        }
    }

    /** Rule 4.07: offsets wrap where an int does. */
    static final class IntOffsets extends PlainMath {
        @Override
        long offset(KvPlane plane, int page, int slot, int kvHead) {
            return super.offset(plane, page, slot, kvHead) & Integer.MAX_VALUE;
        }
    }

    /** Rule 4.08: gaps between tokens are overlooked. */
    static final class OverlooksStrides extends PlainMath {
        @Override
        long offset(KvPlane plane, int page, int slot, int kvHead) {
            boolean strided = plane.segments().size() > 1;
            return super.offset(plane, page, strided ? 0 : slot, kvHead);
        }
    }

    /** Rule 4.09: one element too many. */
    static final class WritesPastOut extends BrokenBackend {
        @Override
        void afterRun(BatchShape batch, KvCacheView kv, Tensor out) {
            long end = out.byteOffset()
                    + ((out.extent(0) - 1) * out.stride(0) + (out.extent(1) - 1) * out.stride(1)
                            + out.extent(2))
                            * out.dtype().byteSize();
            HostTensors.segment(out.buffer()).set(ValueLayout.JAVA_BYTE, end, (byte) 1);
        }
    }

    /** Rule 4.09: memory of its own, written one byte past its end, as native code may. */
    static final class WritesPastWorkspace extends BrokenBackend {
        @Override
        @SuppressWarnings("restricted") // past its end is where it has to write
        void beforePlan(AttentionSpec spec, BatchShape batch, MemorySpace space) {
            try (var workspace = space.allocate(64, 64)) {
                MemorySegment inside = HostTensors.segment(workspace);
                inside.reinterpret(65).set(ValueLayout.JAVA_BYTE, 64, (byte) 1);
            }
        }
    }
}
