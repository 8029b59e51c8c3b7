package dev.heddle.core.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.heddle.core.tensor.DataType;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class AttentionSpecTest {
    private static AttentionSpecBuilder builder() {
        return AttentionSpec.builder().numQoHeads(28).numKvHeads(4).headDim(128).dtype(DataType.BF16)
                .pageSize(16);
    }

    private static String refused(UnaryOperator<AttentionSpecBuilder> change) {
        return assertThrows(IllegalArgumentException.class, () -> change.apply(builder()).build())
                .getMessage();
    }

    @Test
    void everyMistakeIsNamed() {
        assertEquals("num_qo_heads must be set to 1 or more, got 0", refused(b -> b.numQoHeads(0)));
        assertEquals("num_kv_heads must be set to 1 or more, got -4", refused(b -> b.numKvHeads(-4)));
        assertEquals(
                "num_qo_heads must be a multiple of num_kv_heads (grouped-query attention shares each KV head"
                        + " among a whole group), got 28 and 5",
                refused(b -> b.numKvHeads(5)));
        assertEquals("head_dim_qk must be set to 1 or more, got 0", refused(b -> b.headDim(0, 64)));
        assertEquals("head_dim_vo must be set to 1 or more, got 0", refused(b -> b.headDim(64, 0)));
        assertEquals("page_size must be set to 1 or more, got 0", refused(b -> b.pageSize(0)));
        assertEquals("window_left must be -1 (none) or more, got -2", refused(b -> b.windowLeft(-2)));
        for (float cap : new float[]{-1, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertEquals("logits_soft_cap must be 0 (none) or finite and more, got " + cap,
                    refused(b -> b.logitsSoftCap(cap)));
        }
        for (float scale : new float[]{Float.NaN, Float.NEGATIVE_INFINITY}) {
            assertEquals("sm_scale must be finite, got " + scale, refused(b -> b.smScale(scale)));
        }
        assertEquals("dtype must be set, for example dtype(DataType.BF16)",
                assertThrows(IllegalArgumentException.class, () -> AttentionSpec.builder().numQoHeads(1)
                        .numKvHeads(1).headDim(1).pageSize(1).build()).getMessage());
    }

    @Test
    void defaults() {
        AttentionSpec spec = builder().build();
        assertEquals(7, spec.groupSize());
        assertEquals((float) (1 / Math.sqrt(128)), spec.smScale());
        assertEquals(-1, spec.windowLeft());
        assertEquals(Set.of(MaskKind.NONE), spec.masks());
        assertEquals(Set.of(Feature.LSE), spec.features());
        assertEquals(KvQuantisation.NONE, spec.kvQuantisation());
        assertEquals(DataType.BF16, spec.outDtype());
        assertEquals(16L * 4 * 128 * 2, spec.kBytesPerPage());
        assertEquals(4L * (128 + 128) * 2, spec.kvBytesPerToken());
        assertEquals("28/4 heads (group 7), head_dim 128, bf16, page 16 NHD", spec.toString());
    }

    @Test
    void everythingSetIsKept() {
        AttentionSpec spec = builder().headDim(192, 128).kvDtype(DataType.FP8_E4M3, DataType.INT8)
                .outDtype(DataType.F32).kvLayout(KvLayout.HND).strided().causal().windowLeft(0)
                .customMask(true)
                .smScale(-2).logitsSoftCap(30).sinks(true).alibi(true).lse(false)
                .determinism(Determinism.BATCH_INVARIANT).accuracy(Accuracy.REDUCED).build();
        assertEquals(KvQuantisation.PER_TENSOR, spec.kvQuantisation());
        assertEquals(Set.of(MaskKind.CAUSAL, MaskKind.WINDOW, MaskKind.CUSTOM), spec.masks());
        assertEquals(Set.of(Feature.SOFT_CAP, Feature.SINKS, Feature.ALIBI), spec.features());
        assertEquals(-2, spec.smScale());
        assertEquals(16L * 4 * 128, spec.vBytesPerPage());
        assertEquals(4L * (192 + 128), spec.kvBytesPerToken());
        assertEquals("28/4 heads (group 7), head_dim 192/128, bf16, KV fp8_e4m3, page 16 HND, causal,"
                + " window_left 0, soft cap 30.0, sinks, ALiBi", spec.toString());
        assertEquals(spec, spec.toBuilder().build());
        assertEquals(spec.hashCode(), spec.toBuilder().build().hashCode());
        assertNotEquals(spec, spec.toBuilder().sinks(false).build());
        assertThrows(UnsupportedOperationException.class, () -> spec.masks().clear());
        assertThrows(UnsupportedOperationException.class, () -> spec.features().clear());
    }

    @Test
    void planOptions() {
        assertEquals("kvSplits must be 0 (automatic) or more, got -1",
                assertThrows(IllegalArgumentException.class, () -> PlanOptions.DEFAULT.withKvSplits(-1))
                        .getMessage());
        PlanOptions all = PlanOptions.DEFAULT.withKvSplits(3).asPartial().forCapture();
        assertEquals(new PlanOptions(PlanOptions.DEFAULT.space(), null, 3, true, true), all);
    }
}
