package dev.heddle.conformance.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** The oracle against numbers worked out by hand: one head of one element, keys and values given one by one. */
class OracleTest {
    private static final double LN2 = Math.log(2);

    private static AttentionSpecBuilder spec() {
        return AttentionSpec.builder().numQoHeads(1).numKvHeads(1).headDim(1).dtype(DataType.F32).pageSize(2)
                .smScale(1);
    }

    private static Expected attend(
            AttentionSpec spec, HeadParameters heads, float[] q, float[] keys, float[] values) {
        int pages = (keys.length + 1) / 2;
        int[] ids = new int[pages];
        for (int i = 0; i < pages; i++) {
            ids[i] = pages - 1 - i; // backwards, so that reading without the table shows
        }
        KvCacheView kv = KvCacheView.of(
                spec, Math.max(1, pages), HostBuffer.wrap(new float[Math.max(2, 2 * pages)]),
                HostBuffer.wrap(new float[Math.max(2, 2 * pages)]));
        for (int t = 0; t < keys.length; t++) {
            HostKvAccess.putKey(kv, ids[t / 2], t % 2, 0, keys, t);
            HostKvAccess.putValue(kv, ids[t / 2], t % 2, 0, values, t);
        }
        int last = keys.length == 0 ? 0 : keys.length - 2 * (pages - 1);
        PageTable table = PageTable.of(2, Math.max(1, pages), new int[]{0, pages}, ids, new int[]{last});
        return Oracle.attend(spec, BatchShape.of(new int[]{0, q.length}, table), Tensor.of(q, q.length, 1, 1),
                kv, heads);
    }

    private static final float LOG2 = (float) LN2;

    @Test
    void softmaxOfTwoKeys() {
        // logits ln 2 and 0: weights 2/3 and 1/3
        Expected got = attend(spec().build(), HeadParameters.NONE, new float[]{LOG2}, new float[]{1, 0},
                new float[]{3, 6});
        assertArrayEquals(new double[]{4}, got.out(), 1e-6);
        assertArrayEquals(new double[]{Math.log(3)}, got.lse(), 1e-6);
    }

    @Test
    void causalIsBottomRightAligned() {
        // three keys, two rows: row 0 sits at position 1 and sees two keys, row 1 sees all three
        Expected got = attend(spec().causal().build(), HeadParameters.NONE, new float[]{0, 0},
                new float[]{1, 1, 1}, new float[]{3, 6, 9});
        assertArrayEquals(new double[]{4.5, 6}, got.out(), 1e-12);
        assertArrayEquals(new double[]{LN2, Math.log(3)}, got.lse(), 1e-12);
    }

    @Test
    void windowCountsFromThePositionAndDoesNotHideTheFuture() {
        // rows at positions 1 and 2, window 0: keys from the own position on
        Expected got = attend(spec().windowLeft(0).build(), HeadParameters.NONE, new float[]{0, 0},
                new float[]{1, 1, 1}, new float[]{3, 6, 9});
        assertArrayEquals(new double[]{7.5, 9}, got.out(), 1e-12);
    }

    @Test
    void aRowThatSeesNothingIsZero() {
        // two rows, one key: row 0 sits at position -1
        Expected got = attend(spec().causal().build(), HeadParameters.NONE, new float[]{1, 1}, new float[]{1},
                new float[]{5});
        assertArrayEquals(new double[]{0, 5}, got.out(), 1e-12);
        assertEquals(Double.NEGATIVE_INFINITY, got.lse()[0]);
        Expected none =
                attend(spec().build(), HeadParameters.NONE, new float[]{1}, new float[]{}, new float[]{});
        assertArrayEquals(new double[]{0}, none.out());
        assertEquals(Double.NEGATIVE_INFINITY, none.lse()[0]);
    }

    @Test
    void theSinkJoinsTheDenominatorOnly() {
        HeadParameters sink = HeadParameters.sinks(Tensor.of(new float[]{LOG2}, 1));
        Expected got =
                attend(spec().sinks(true).build(), sink, new float[]{0}, new float[]{1}, new float[]{6});
        assertArrayEquals(new double[]{2}, got.out(), 1e-6);
        assertArrayEquals(new double[]{Math.log(3)}, got.lse(), 1e-6);
        Expected none =
                attend(spec().sinks(true).build(), sink, new float[]{0}, new float[]{}, new float[]{});
        assertArrayEquals(new double[]{LN2}, none.lse(), 1e-6);
    }

    @Test
    void theCapComesBeforeTheBias() {
        HeadParameters slope = HeadParameters.alibi(Tensor.of(new float[]{1}, 1));
        Expected got = attend(spec().logitsSoftCap(1).alibi(true).build(), slope, new float[]{100},
                new float[]{1, 1}, new float[]{0, 1});
        // capped to 1 each, then -1 and 0 added: weights 1 : e
        assertArrayEquals(new double[]{Math.E / (1 + Math.E)}, got.out(), 1e-12);
        assertArrayEquals(new double[]{Math.log(1 + Math.E)}, got.lse(), 1e-12);
    }

    @Test
    void boundsNeverFallBelowRoundingOnce() {
        AttentionSpec spec = spec().build();
        KvCacheView kv =
                KvCacheView.of(spec, 1, HostBuffer.wrap(new float[2]), HostBuffer.wrap(new float[2]));
        HostKvAccess.putValue(kv, 0, 0, 0, new float[]{3}, 0);
        BatchShape batch = BatchShape.decode(PageTable.of(2, 1, new int[]{0, 1}, new int[]{0}, new int[]{1}));
        Tensor q = Tensor.of(new float[]{1}, 1, 1, 1);
        Expected exact = Oracle.attend(spec, batch, q, kv, HeadParameters.NONE);
        Bounds bounds = ReferenceError.bounds(spec, batch, q, kv, HeadParameters.NONE, exact);
        assertTrue(bounds.max() >= Math.ulp(3f) / 2 && bounds.max() < 1e-5, bounds::toString);
        assertTrue(bounds.mean() > 0 && bounds.mean() <= bounds.max(), bounds::toString);
    }

    @Test
    void halfAStepOfEachType() {
        assertEquals(Math.ulp(1f) / 2, ReferenceError.halfUlp(DataType.F32, 1));
        assertEquals(1.0 / 256, ReferenceError.halfUlp(DataType.BF16, 1.5));
        assertEquals(1.0 / 2048, ReferenceError.halfUlp(DataType.F16, -1));
        assertEquals(Math.scalb(1.0, -25), ReferenceError.halfUlp(DataType.F16, 0));
    }
}
