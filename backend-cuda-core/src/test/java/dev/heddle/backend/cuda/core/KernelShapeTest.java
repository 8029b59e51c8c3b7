package dev.heddle.backend.cuda.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.CudaDevice;
import dev.heddle.cuda.decode.DecodeBackend;
import dev.heddle.cuda.decode.DecodeKernel;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class KernelShapeTest {
    private static final CudaDevice LARGE = device("large", 90, 132, 232_448, 233_472);
    private static final CudaDevice SMALL = device("small", 89, 128, 101_376, 102_400);

    private final DecodeSource source = new DecodeSource();

    private static CudaDevice device(String name, int capability, int multiprocessors, int perBlock,
            int perAll) {
        return new CudaDevice(0, name, capability, multiprocessors, 50 << 20, perBlock, perAll, 1L << 36,
                12_080);
    }

    private static AttentionSpec spec(int group, int qk, int vo, DataType kv) {
        return Specs.of(2, group).headDim(qk, vo).kvDtype(kv).build();
    }

    /** Returns the bytes of shared memory that the source reaches, rings or states. */
    private int bytesOfTheSource(KernelShape shape) {
        Map<String, Integer> constants = source.constants(shape);
        String ring = source.only(Pattern.compile("u32 ring = base \\+ ([^;]+);"));
        int rings = CExpression.value(ring.replace("warp *", "WARPS *"), constants);
        assertEquals(constants.get("WARP_BYTES"),
                CExpression.value(source.only(Pattern.compile("u32 weights = ring \\+ ([^;]+);")), constants)
                        + CExpression.value("TILE * P_PITCH * 4", constants),
                "what a warp has is its ring and its weights");
        int tops = CExpression.value(source.only(Pattern.compile("float\\* tops = states \\+ ([^;]+);")),
                constants);
        int sums = CExpression.value(source.only(Pattern.compile("float\\* sums = tops \\+ ([^;]+);")),
                constants);
        int end = tops + sums + CExpression.value("WARPS * ROWS", constants);
        return Math.max(rings, end * Float.BYTES);
    }

    @ParameterizedTest
    @EnumSource(DataType.class)
    void sharedMemoryIsWhatTheSourceUses(DataType kv) {
        for (int qk : new int[]{8, 40, 64, 80, 96, 128, 192, 256}) {
            for (int vo : new int[]{8, 64, 72, 128, 256}) {
                for (int rows = 1; rows <= 16; rows++) {
                    for (int warps : new int[]{1, 2, 3, 8}) {
                        KernelShape shape = KernelShape.of(spec(7, qk, vo, kv), 1, rows, warps, 1);
                        assertEquals(bytesOfTheSource(shape), shape.sharedBytes(), shape::toString);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DataType.class)
    void constantsOfTheTwoSidesAgree(DataType kv) {
        KernelShape shape = KernelShape.of(spec(7, 128, 64, kv), 1, 7, 8, 1);
        Map<String, Integer> constants = source.constants(shape);
        String state = source.only(Pattern.compile("const int STATE = ([^;]+);")).replace("ROWS_", "ROWS");
        assertEquals(shape.stateFloats(), CExpression.value(state, constants));
        assertTrue(constants.get("TOKEN_PARTS") <= shape.tile());
        assertEquals(DecodeKernel.code(kv), constants.get("KV_TYPE"));
        assertEquals(kv.byteSize(), constants.get("KV_BYTES"));
        String name = switch (kv) {
            case FP8_E4M3 -> "E4M3";
            case FP8_E5M2 -> "E5M2";
            default -> kv.name();
        };
        assertEquals(constants.get(name), DecodeKernel.code(kv), "the number of " + name);
        for (String size : List.of("WARP_BYTES", "SLOT")) {
            assertEquals(0, constants.get(size) % 16, size + ": copies and loads are of 16 bytes");
        }
        assertEquals(0, constants.get("Q_PITCH") % 4);
    }

    @Test
    void longRowsAreTakenFewAtATime() {
        assertEquals(32, KernelShape.tile(spec(7, 128, 128, DataType.BF16)));
        assertEquals(16, KernelShape.tile(spec(7, 128, 128, DataType.F32)));
        assertEquals(16, KernelShape.tile(spec(7, 256, 128, DataType.BF16)));
        assertEquals(32, KernelShape.tile(spec(7, 256, 8, DataType.BF16)),
                "one chunk of V takes one lane, and a token each for 32 lanes");
    }

    @Test
    void plainKernelIsForWhatNeedsNothingMore() {
        AttentionSpec plain = spec(7, 128, 128, DataType.BF16);
        assertFalse(KernelShape.of(plain, 1, 7, 8, 1).general());
        AttentionSpec causal = plain.toBuilder().causal().build();
        assertFalse(KernelShape.of(causal, 1, 7, 8, 1).general(),
                "causal hides nothing from a request's only row");
        assertTrue(KernelShape.of(causal, 2, 7, 8, 1).general());
        for (AttentionSpec general : List.of(plain.toBuilder().windowLeft(5).build(),
                plain.toBuilder().logitsSoftCap(30).build(), plain.toBuilder().alibi(true).build(),
                plain.toBuilder().kvDtype(DataType.INT8).kvQuantisation(KvQuantisation.PER_HEAD).build())) {
            assertTrue(KernelShape.of(general, 1, 7, 8, 1).general(), general::toString);
        }
        assertTrue(KernelShape.of(plain, 1, 7, 8, 1).forAnything().general());
        assertEquals(KernelShape.of(plain, 1, 7, 8, 1).sharedBytes(),
                KernelShape.of(plain, 1, 7, 8, 1).forAnything().sharedBytes());
    }

    @Test
    void shapesThatDifferAreCompiledApart() {
        KernelShape shape = KernelShape.of(spec(7, 128, 128, DataType.BF16), 1, 7, 8, 1);
        List<KernelShape> others = List.of(KernelShape.of(spec(7, 64, 128, DataType.BF16), 1, 7, 8, 1),
                KernelShape.of(spec(7, 128, 64, DataType.BF16), 1, 7, 8, 1),
                KernelShape.of(spec(7, 128, 128, DataType.F16), 1, 7, 8, 1),
                KernelShape.of(spec(7, 128, 128, DataType.BF16), 1, 6, 8, 1),
                KernelShape.of(spec(7, 128, 128, DataType.BF16), 1, 7, 4, 1),
                KernelShape.of(spec(7, 128, 128, DataType.BF16), 1, 7, 8, 2), shape.forAnything());
        for (KernelShape other : others) {
            assertFalse(other.macros().equals(shape.macros()), other::toString);
        }
        assertEquals(shape.macros(), KernelShape.of(spec(14, 128, 128, DataType.BF16), 1, 7, 8, 1).macros(),
                "the group size itself is no matter of the kernel's");
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 64, 128, 192, 256})
    void warpsFitTheSharedMemoryThatThereIs(int headDim) {
        for (CudaDevice device : List.of(LARGE, SMALL)) {
            for (int ctas : new int[]{1, 2, 4}) {
                AttentionSpec spec = spec(7, headDim, headDim, DataType.BF16);
                int room = device.sharedMemoryPerMultiprocessor();
                int warps = KernelShape.warpsThatFit(spec, 7, ctas, 8, room);
                assertTrue(warps >= 0 && warps <= 8);
                if (warps > 0) {
                    assertTrue(ctas * KernelShape.of(spec, 1, 7, warps, ctas).sharedBytes() < room);
                }
                if (warps < 8) {
                    assertTrue(
                            ctas * (KernelShape.of(spec, 1, 7, warps + 1, ctas).sharedBytes() + 2048) > room);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 96, 128, 192, 256})
    void tilesCoverAllRowsEvenlyWhateverTheGroup(int headDim) {
        for (DataType kv : DataType.values()) {
            int most = 0;
            for (int group = 1; group <= 128; group++) {
                AttentionSpec spec = spec(group, headDim, headDim, kv);
                for (int qoLen : new int[]{1, 2, 5, 64}) {
                    int all = group * qoLen;
                    int rows = Tuning.rows(spec, all);
                    int tiles = Math.ceilDiv(all, rows);
                    assertTrue(rows >= 1 && rows <= Math.min(all, 16), () -> rows + " of " + all);
                    assertTrue(tiles * rows - all < tiles, () -> "tiles of " + all + " are uneven: " + rows);
                    most = Math.max(most, rows);
                }
            }
            int limit = most;
            for (int all = 1; all <= limit; all++) {
                assertEquals(all, Tuning.rows(spec(1, headDim, headDim, kv), all),
                        "rows that fit are one tile");
            }
        }
    }

    @Test
    void everyDeclaredShapeFitsEveryDevice() {
        for (CudaDevice device : List.of(LARGE, SMALL)) {
            for (DataType kv : DataType.values()) {
                for (int dim = 8; dim <= 256; dim += 8) {
                    for (int group : new int[]{1, 5, 7, 12, 16, 71, 128}) {
                        for (BatchShape batch : List.of(Specs.decode(4096), Specs.batch(new int[]{64}, 100),
                                many())) {
                            requireRoom(spec(group, dim, dim, kv), batch, device);
                            requireRoom(spec(group, 256, dim, kv), batch, device);
                        }
                    }
                }
            }
        }
    }

    private static void requireRoom(AttentionSpec spec, BatchShape batch, CudaDevice device) {
        Tuning tuning =
                Tuning.of(spec, batch, device.multiprocessors(), device.sharedMemoryPerMultiprocessor());
        KernelShape shape =
                KernelShape.of(spec, batch.maxQoLen(), tuning.rows(), tuning.warps(), tuning.ctas());
        assertTrue(shape.sharedBytes() <= device.sharedMemoryPerBlock(),
                () -> shape + " on " + device.name());
        assertTrue(shape.ctas() * (shape.sharedBytes() + 1024) <= device.sharedMemoryPerMultiprocessor(),
                () -> shape + " on " + device.name());
    }

    private static BatchShape many() {
        int[] kvLens = new int[300];
        Arrays.fill(kvLens, 100);
        return Specs.decode(kvLens);
    }

    @Test
    void scalesPerHeadAreRefusedBeyondWhatTheArgumentHolds() {
        AttentionSpec spec =
                Specs.of(129, 1).kvDtype(DataType.INT8).kvQuantisation(KvQuantisation.PER_HEAD).build();
        Rejection reason = DecodeBackend.refine(CudaCoreBackendProvider.ID, spec).getFirst();
        assertTrue(
                reason.message()
                        .contains("129 with scales per head requested, 1..128 allowed; use one scale"),
                reason.message());
        AttentionSpec most =
                Specs.of(128, 1).kvDtype(DataType.INT8).kvQuantisation(KvQuantisation.PER_HEAD).build();
        assertEquals(List.of(), DecodeBackend.refine(CudaCoreBackendProvider.ID, most));
    }
}
