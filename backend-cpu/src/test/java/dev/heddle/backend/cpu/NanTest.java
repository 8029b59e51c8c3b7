package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.cache.HostKvAccess;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NaN goes where attention goes and nowhere else; rows without keys are zero. */
class NanTest {
    AttentionBackendProvider provider() {
        return new CpuBackendProvider();
    }

    private static final int HEADS = 6;
    private static final int DIM = 24; // not a multiple of the padding

    private static AttentionSpecBuilder spec(DataType kv) {
        return AttentionSpec.builder().numQoHeads(HEADS).numKvHeads(2).headDim(DIM).dtype(DataType.F32)
                .kvDtype(kv).pageSize(5).strided();
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = "INT8", mode = EnumSource.Mode.EXCLUDE)
    void nanInSlotsWithoutATokenNeverLeaks(DataType kv) {
        AttentionSpec spec = spec(kv).causal().build();
        RequestBuilder builder = RequestBuilder.of(spec).qoLens(1, 4).kvLens(13, 1, 600, 0, 22).seed(3);
        Request clean = builder.junk(0).build();
        Request dirty = builder.junk(Float.NaN).build();
        for (int parallelism : new int[]{1, 4}) {
            try (Opened opened = new Opened(provider(), parallelism)) {
                Output wanted = opened.run(clean);
                Output got = opened.run(dirty);
                assertEquals("", wanted.firstDifference(got));
                for (float value : got.out()) {
                    assertFalse(Float.isNaN(value));
                }
            }
        }
    }

    /** Scratch is shared by plans and never cleared as a whole: what an earlier run left must not matter either. */
    @ParameterizedTest
    @ValueSource(ints = {8, 24, 40})
    void nanOfAnEarlierPlanNeverLeaks(int dim) {
        AttentionSpec wide = AttentionSpec.builder().numQoHeads(8).numKvHeads(1).headDim(64)
                .dtype(DataType.F32).pageSize(16).build();
        AttentionSpec narrow = AttentionSpec.builder().numQoHeads(2).numKvHeads(1).headDim(dim)
                .dtype(DataType.F32).pageSize(16).build();
        Request poison = RequestBuilder.of(wide).kvLens(1200).junk(Float.NaN).seed(1).build();
        fillWithNan(poison);
        Request request = RequestBuilder.of(narrow).kvLens(1100, 3).seed(2).build();
        for (int parallelism : new int[]{1, 4}) {
            Output wanted;
            try (Opened fresh = new Opened(provider(), parallelism)) {
                wanted = fresh.run(request);
            }
            try (Opened used = new Opened(provider(), parallelism)) {
                assertTrue(Float.isNaN(used.run(poison).out()[0]));
                assertEquals("", wanted.firstDifference(used.run(request)));
            }
        }
    }

    private static void fillWithNan(Request request) {
        float[] nan = new float[request.spec().headDimQk()];
        Arrays.fill(nan, Float.NaN);
        float[] q = new float[(int) request.q().elements()];
        Arrays.fill(q, Float.NaN);
        HostTensors.fill(request.q(), q);
        for (int token = 0; token < request.batch().kvLen(0); token++) {
            put(request, 0, token, 0, nan, true);
            put(request, 0, token, 0, nan, false);
        }
    }

    private static void put(Request request, int i, int token, int kvHead, float[] values, boolean key) {
        int page = request.batch().pageTable().pageOf(i, token);
        int slot = token % request.spec().pageSize();
        if (key) {
            HostKvAccess.putKey(request.kv(), page, slot, kvHead, values, 0);
        } else {
            HostKvAccess.putValue(request.kv(), page, slot, kvHead, values, 0);
        }
    }

    @ParameterizedTest
    @CsvSource({"true,F32", "true,BF16", "true,F16", "true,FP8_E4M3", "true,FP8_E5M2", "false,F32",
            "false,BF16", "false,F16", "false,FP8_E4M3", "false,FP8_E5M2"})
    void nanInAUsedTokenReachesExactlyTheRowsThatSeeIt(boolean key, DataType kv) {
        AttentionSpec spec = spec(kv).causal().build();
        int kvLen = 530;
        int qoLen = 5;
        int token = kvLen - 3; // seen by the last three rows
        RequestBuilder builder = RequestBuilder.of(spec).qoLens(1, qoLen).kvLens(9, kvLen).seed(4);
        Request clean = builder.build();
        Request dirty = builder.build();
        float[] nan = new float[DIM];
        nan[DIM - 1] = Float.NaN;
        put(dirty, 1, token, 1, nan, key);
        try (Opened opened = new Opened(provider(), 4)) {
            Output wanted = opened.run(clean);
            Output got = opened.run(dirty);
            for (int row = 0; row < 1 + qoLen; row++) {
                for (int head = 0; head < HEADS; head++) {
                    boolean reached = row - 1 >= qoLen - 3 && head >= HEADS / 2;
                    String where = "row " + row + ", head " + head;
                    assertEquals(reached && key, Float.isNaN(got.lse()[row * HEADS + head]), where);
                    for (int d = 0; d < DIM; d++) {
                        int at = (row * HEADS + head) * DIM + d;
                        if (reached && (key || d == DIM - 1)) {
                            assertTrue(Float.isNaN(got.out()[at]), where);
                        } else if (!reached) {
                            assertEquals(wanted.out()[at], got.out()[at], where);
                        }
                    }
                }
            }
        }
    }

    /** bf16, so that kernels with tiles or integers take part: they share products among heads. */
    @ParameterizedTest
    @EnumSource(DataType.class)
    void aQueryThatIsNotFiniteReachesItsOwnHeadOnly(DataType kv) {
        AttentionSpec spec = spec(kv).dtype(DataType.BF16).causal().build();
        RequestBuilder builder = RequestBuilder.of(spec).kvLens(9, 530).seed(7);
        Request clean = builder.build();
        float[] q = HostTensors.toFloats(clean.q());
        try (Opened opened = new Opened(provider(), 1)) {
            Output wanted = opened.run(clean);
            for (float odd : new float[]{Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                Request dirty = builder.build();
                float[] changed = q.clone();
                changed[(HEADS + 1) * DIM + 3] = odd; // request 1, head 1
                HostTensors.fill(dirty.q(), changed);
                Output got = opened.run(dirty);
                for (int at = 0; at < got.out().length; at++) {
                    boolean reached = at / DIM == HEADS + 1;
                    String where = "of " + odd + ", row and head " + at / DIM;
                    assertEquals(reached, Float.isNaN(got.out()[at]), where);
                    if (at / DIM < HEADS) {
                        assertEquals(wanted.out()[at], got.out()[at], where);
                    } else if (!reached) { // maybe by another kernel
                        assertEquals(wanted.out()[at], got.out()[at],
                                0.02 * Math.abs(wanted.out()[at]) + 0.02, where);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void rowsWithoutKeysAreZeroAndTheirLseIsMinusInfinity(int parallelism) {
        AttentionSpec spec = spec(DataType.F32).causal().build();
        // Request 1 has no keys; of request 2's rows only the last three see one.
        Request request = RequestBuilder.of(spec).qoLens(1, 2, 7).kvLens(1100, 0, 3).seed(5).build();
        try (Opened opened = new Opened(provider(), parallelism)) {
            Output output = opened.run(request);
            for (int row = 0; row < 10; row++) {
                boolean empty = row >= 1 && row < 7;
                for (int i = row * HEADS; i < (row + 1) * HEADS; i++) {
                    assertEquals(empty, output.lse()[i] == Float.NEGATIVE_INFINITY, "row " + row);
                    assertFalse(Float.isNaN(output.lse()[i]));
                }
                for (int i = row * HEADS * DIM; i < (row + 1) * HEADS * DIM; i++) {
                    assertEquals(empty, output.out()[i] == 0, "row " + row);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void aMaskThatShowsNothingGivesZerosEvenIfEverythingIsNan(int parallelism) {
        AttentionSpec spec = AttentionSpec.builder().numQoHeads(8).numKvHeads(1).headDim(64)
                .dtype(DataType.F32).pageSize(16).customMask(true).build();
        Request request = RequestBuilder.of(spec).qoLens(2).kvLens(700).seed(6)
                .mask((i, row, key) -> row == 1).build();
        fillWithNan(request);
        try (Opened opened = new Opened(provider(), parallelism)) {
            Output output = opened.run(request);
            assertEquals(0, output.out()[0]);
            assertEquals(Float.NEGATIVE_INFINITY, output.lse()[0]);
            assertTrue(Float.isNaN(output.out()[8 * 64]));
        }
    }
}
