package dev.heddle.backend.tensor.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.CudaDevice;
import dev.heddle.cuda.decode.DecodeSchedule;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TensorKernelTest {
    private static final int PAGE = 16;
    private static final int H200_SMS = 132;
    private static final int H200_SHARED = 228 << 10;
    private static final int SMALL_SHARED = 100 << 10; // sm_86, sm_89
    private static final int BLOCK_LESS = 1 << 10; // what one CTA may ask for is so much less than all of it

    private static CudaDevice device(int computeCapability, int sharedBytes) {
        return new CudaDevice(0, "a GPU", computeCapability, H200_SMS, 50 << 20, sharedBytes - BLOCK_LESS,
                sharedBytes, 1L << 36, 13000);
    }

    private static AttentionSpec spec(int group, int qk, int vo) {
        return AttentionSpec.builder().numQoHeads(2 * group).numKvHeads(2).headDim(qk, vo)
                .dtype(DataType.BF16)
                .pageSize(PAGE).causal().build();
    }

    private static BatchShape batch(int requests, int qoLen, int kvLen) {
        int pages = Math.ceilDiv(kvLen, PAGE);
        int[] qoIndptr = new int[requests + 1];
        int[] indptr = new int[requests + 1];
        Arrays.setAll(qoIndptr, i -> i * qoLen);
        Arrays.setAll(indptr, i -> i * pages);
        int[] indices = new int[requests * pages];
        Arrays.setAll(indices, i -> i);
        int[] last = new int[requests];
        Arrays.fill(last, kvLen - (pages - 1) * PAGE);
        return BatchShape.of(qoIndptr, PageTable.of(PAGE, indices.length, indptr, indices, last));
    }

    private static TensorKernel kernel(AttentionSpec spec, BatchShape batch) {
        return TensorTuning.of(spec, batch, request -> true, device(90, H200_SHARED), true);
    }

    @Test
    void groupsOfUpToEightAreOneKernelSinceTheGroupIsARunTimeValue() {
        BatchShape batch = batch(8, 1, 4096);
        TensorKernel first = kernel(spec(1, 128, 128), batch);
        for (int group = 2; group <= 8; group++) {
            assertEquals(first, kernel(spec(group, 128, 128), batch));
        }
        for (int group = 9; group <= 128; group++) {
            assertEquals(group <= 16 ? 16 : group <= 32 ? 32 : 64,
                    kernel(spec(group, 128, 128), batch).rows());
        }
    }

    @Test
    void everyDeclaredShapeHasRoomOnEveryDevice() {
        for (int shared : new int[]{H200_SHARED, SMALL_SHARED}) {
            for (int qk = 16; qk <= 256; qk += 16) {
                for (int vo = 16; vo <= 256; vo += 16) {
                    for (BatchShape batch : List.of(batch(1, 1, 4096), batch(200, 1, 100),
                            batch(200, 1, 5000),
                            batch(3, 64, 100))) {
                        for (int group : new int[]{1, 7, 12, 128}) {
                            CudaDevice device = device(shared == H200_SHARED ? 90 : 86, shared);
                            TensorKernel kernel = TensorTuning.of(spec(group, qk, vo), batch, request -> true,
                                    device, true);
                            assertTrue(kernel.ctas() * (kernel.sharedBytes() + BLOCK_LESS) <= shared,
                                    kernel::toString);
                            assertTrue(kernel.ctas() >= 1 && kernel.slots() >= 2, kernel::toString);
                            assertEquals(0, kernel.warps() * (kernel.rows() == 8 ? 8 : 16) % kernel.rows(),
                                    kernel::toString);
                            assertTrue(kernel.warps() >= 1 && kernel.warps() <= 16, kernel::toString);
                            assertTrue(kernel.cluster() == 1 || device.computeCapability() >= 90,
                                    "clusters are newer than this device");
                        }
                    }
                }
            }
        }
    }

    @Test
    void aCausalMaskTakesTheGeneralKernelOnlyWhereItHidesSomething() {
        assertFalse(kernel(spec(7, 128, 128), batch(2, 1, 100)).general());
        assertTrue(kernel(spec(7, 128, 128), batch(2, 2, 100)).general());
        assertTrue(kernel(spec(7, 128, 128).toBuilder().windowLeft(9).build(), batch(2, 1, 100)).general());
        TensorKernel plain = kernel(spec(7, 128, 128), batch(2, 1, 100));
        assertTrue(plain.forAnything().general());
        assertEquals(plain.sharedBytes(), plain.forAnything().sharedBytes());
        assertNotEquals(plain.macros(), plain.forAnything().macros());
    }

    /** The sizes that the host computes are those that the source has, whose expressions are read here. */
    @Test
    void sizesAreThoseOfTheSource() {
        String source = kernel(spec(7, 128, 128), batch(1, 1, 100)).source().text();
        assertTrue(source.contains("static const int STATE_PITCH = DIM_VO + 4;"));
        assertTrue(source.contains("K_PITCH = K_PIECES % 8 == 0 ? K_PIECES : K_PIECES | 1;"));
        assertTrue(source
                .contains("static const int SLOT = TILE * 16 * (K_PITCH > V_PITCH ? K_PITCH : V_PITCH);"));
        assertTrue(source.contains("const int STATE = ROWS_ * DIM_VO + (ROWS_ * CLUSTER + 3) / 4 * 4;"));
        TensorKernel kernel = new TensorKernel(8, 80, 64, DataType.F16, 4, 1, 16, 3, 2, false);
        int slot = 16 * 16 * 11; // 80 elements are ten pieces of 16 bytes, and one more for an odd pitch
        int states = 4 * 8 * (64 + 4 + 2) * Float.BYTES;
        assertEquals(Math.max(4 * 3 * slot, states), kernel.sharedBytes());
        assertEquals(8 * 64 + 2 * 8, kernel.stateFloats());
    }

    @Test
    void macrosAreWhatTheSourceAsksFor() {
        String source = kernel(spec(7, 128, 128), batch(1, 1, 100)).source().text();
        for (String macro : kernel(spec(7, 128, 128), batch(1, 1, 100)).macros()) {
            Matcher name =
                    Pattern.compile("\\b" + macro.substring(0, macro.indexOf('=')) + "\\b").matcher(source);
            assertTrue(name.find(), macro);
        }
    }

    @Test
    void fewColumnsAreMergedByClusters() {
        AttentionSpec eightHeads = AttentionSpec.builder().numQoHeads(32).numKvHeads(8).headDim(128)
                .dtype(DataType.BF16).pageSize(PAGE).build();
        assertEquals(16, kernel(spec(7, 128, 128), batch(1, 1, 4096)).cluster());
        assertEquals(8, kernel(eightHeads, batch(1, 1, 4096)).cluster());
        assertEquals(1, kernel(eightHeads, batch(4, 1, 4096)).cluster(),
                "clusters of 4 and more do not fill the device");
        assertEquals(2, kernel(eightHeads, batch(8, 1, 4096)).cluster());
        assertEquals(1, kernel(eightHeads, batch(64, 1, 4096)).cluster());
        assertEquals(1, kernel(eightHeads, batch(1, 1, 100)).cluster(), "there is nothing to split");
        assertEquals(1,
                TensorTuning
                        .of(eightHeads, batch(1, 1, 4096), request -> true, device(90, H200_SHARED), false)
                        .cluster());
        BatchShape uneven = BatchShape.of(new int[]{0, 1, 2},
                PageTable.of(PAGE, 300, new int[]{0, 1, 257}, IntStream.range(0, 257).toArray(),
                        new int[]{3, 16}));
        assertEquals(1, kernel(spec(7, 128, 128), uneven).cluster(),
                "a cluster for each would idle in the short one");
    }

    @Test
    void aBatchInvariantRequestTakesOneKernelAndShortPartsIfItIsShort() {
        for (int group : new int[]{1, 7, 8}) {
            TensorKernel kernel = TensorTuning.invariant(spec(group, 128, 128), batch(64, 1, 8192),
                    device(90, H200_SHARED));
            assertEquals(List.of(8, 2, 1), List.of(kernel.warps(), kernel.ctas(), kernel.cluster()));
            assertEquals(256, kernel.invariantTokens(1024));
            assertEquals(512, kernel.invariantTokens(4096));
        }
        TensorKernel prefill = TensorTuning.invariant(spec(7, 128, 128), batch(64, 64, 8192),
                device(90, H200_SHARED));
        assertEquals(DecodeSchedule.FIXED_TOKENS, prefill.invariantTokens(1024),
                "many rows fill the device by themselves");
        assertEquals(1, prefill.cluster());
    }

    @Test
    void tilesOfFewBytesTakeMoreAndSmallerCtas() {
        AttentionSpecBuilder twoHeads = AttentionSpec.builder().numQoHeads(14).numKvHeads(2)
                .dtype(DataType.BF16).pageSize(PAGE);
        assertEquals(16, kernel(twoHeads.headDim(128).build(), batch(64, 1, 8192)).warps());
        assertEquals(4, kernel(twoHeads.headDim(64).build(), batch(64, 1, 8192)).warps());
    }

    @Test
    void rowsAreTheFewestThatHoldAQuery() {
        AttentionSpec spec = spec(7, 128, 128);
        assertEquals(8, TensorTuning.rows(spec, 0));
        assertEquals(8, TensorTuning.rows(spec, 1));
        assertEquals(16, TensorTuning.rows(spec, 2));
        assertEquals(32, TensorTuning.rows(spec, 4));
        assertEquals(64, TensorTuning.rows(spec, 5));
        assertEquals(64, TensorTuning.rows(spec, 1 << 30));
    }

    @Test
    void appendHasItsOwnSource() {
        TensorKernel append = kernel(spec(7, 128, 128), batch(2, 5, 100));
        assertNotEquals(kernel(spec(7, 128, 128), batch(2, 1, 100)).source(), append.source());
        assertTrue(append.source().name().contains("append"));
        for (String macro : append.macros()) {
            assertTrue(append.source().text().contains(macro.substring(0, macro.indexOf('='))), macro);
        }
    }
}
