package dev.heddle.backend.cuda.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvScales;
import dev.heddle.core.cache.KvStrides;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.Tensor;
import dev.heddle.cuda.CudaBuffer;
import dev.heddle.cuda.WithoutDevice;
import dev.heddle.cuda.decode.DecodeArguments;
import dev.heddle.cuda.decode.DecodeKernel;
import dev.heddle.cuda.decode.DecodeSchedule;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The bytes that Java writes are where {@code struct Params} of decode.cu has its fields. */
class DecodeArgumentsTest {
    private static final int HEADS = 3;
    private static final long FAR = 1L << 40;

    private final Map<String, Object> expected = new HashMap<>();

    private static AttentionSpec spec(KvQuantisation quantisation) {
        return Specs.of(HEADS, 5, 64, DataType.BF16).kvDtype(DataType.INT8).kvQuantisation(quantisation)
                .strided().smScale(0.125f).logitsSoftCap(31).windowLeft(77).causal().sinks(true).alibi(true)
                .lse(true)
                .build();
    }

    private static KernelShape shape(AttentionSpec spec, boolean general) {
        KernelShape shape = KernelShape.of(spec, 1, 5, 8, 1);
        assertTrue(shape.general());
        return general ? shape
                : new KernelShape(shape.rows(), shape.headDimQk(), shape.headDimVo(), shape.kv(),
                        shape.warps(), shape.ctas(), shape.slots(), shape.tile(), shape.slices(), false);
    }

    private Tensor tensor(String name, long address, DataType dtype, long[] shape, long... strides) {
        expected.put(name, address + 16);
        return Tensor.strided(WithoutDevice.buffer(address, 1L << 20), 16, dtype, shape, strides);
    }

    private void write(DecodeArguments arguments, AttentionSpec spec, KvCacheView view) {
        arguments.schedule(FAR + 1, FAR + 2, FAR + 3, FAR + 4, true);
        expected.putAll(Map.of("units", FAR + 1, "pages", FAR + 2, "partials", FAR + 3, "arrived", FAR + 4,
                "evictFirst", 1));
        Tensor q = tensor("q", FAR + 0x1000, spec.qDtype(), new long[]{2, 15, 64}, 1001, 65, 1);
        Tensor out = tensor("out", FAR + 0x2000, spec.outDtype(), new long[]{2, 15, 64}, 1002, 66, 1);
        Tensor lse = tensor("lse", FAR + 0x3000, DataType.F32, new long[]{2, 15}, 1003, 1);
        Tensor sinks = tensor("sinks", FAR + 0x4000, DataType.F32, new long[]{15}, 1);
        Tensor slopes = tensor("slopes", FAR + 0x5000, DataType.F32, new long[]{15}, 1);
        arguments.tensors(q, view, out, lse, new HeadParameters(sinks, slopes));
        expected.putAll(
                Map.of("qRowStride", 1001L, "qHeadStride", 65L, "outRowStride", 1002L, "outHeadStride", 66L,
                        "lseRowStride", 1003L, "lseHeadStride", 1L, "sinkStride", 1L, "slopeStride", 1L));
        expected.putAll(
                Map.of("smScale", 0.125f, "softCap", 31f, "windowLeft", 77, "causal", 1, "groupSize", 5,
                        "pageSize", Specs.PAGE_SIZE, "qType", DecodeKernel.code(spec.qDtype()), "outType",
                        DecodeKernel.code(spec.outDtype())));
        int shift = (int) Math.ceil(Math.log(Specs.PAGE_SIZE) / Math.log(2)) - 1;
        long magic = (long) Math.ceil(Math.scalb(1.0, 32 + shift) / Specs.PAGE_SIZE);
        for (int token : new int[]{0, 1, Specs.PAGE_SIZE - 1, Specs.PAGE_SIZE, 12_345, Integer.MAX_VALUE}) {
            assertEquals(token / Specs.PAGE_SIZE, (token * magic >>> 32) >>> shift,
                    "what the kernel does with it");
        }
        expected.putAll(Map.of("pageMagic", (int) magic, "pageShift", shift));
    }

    private KvCacheView view(AttentionSpec spec, int segments, KvScales scales) {
        List<CudaBuffer> k = new ArrayList<>();
        List<CudaBuffer> v = new ArrayList<>();
        for (int i = 0; i < segments; i++) {
            k.add(WithoutDevice.buffer(FAR * 2 + i, 1L << 24));
            v.add(WithoutDevice.buffer(FAR * 3 + i, 1L << 24));
        }
        expected.putAll(Map.of("kPageStride", 20_001L, "kTokenStride", 301L, "kHeadStride", 71L,
                "vPageStride", 20_002L,
                "vTokenStride", 302L, "vHeadStride", 72L));
        return KvCacheView.builder(spec, 9).k(k, 48, new KvStrides(20_001, 301, 71))
                .v(v, 64, new KvStrides(20_002, 302, 72)).scales(scales).build();
    }

    private void check(DecodeArguments arguments, KernelShape shape) {
        DecodeSource source = new DecodeSource();
        DecodeSource.Struct params = source.struct("Params", source.constants(shape));
        assertEquals(params.byteSize(), arguments.block().byteSize(),
                "the driver copies as much as the kernel has");
        MemorySegment bytes = WithoutDevice.bytes(arguments.block());
        expected.putIfAbsent("padding", 0);
        params.fields().forEach((name, field) -> {
            Object want = expected.get(name);
            assertTrue(want != null, () -> "decode.cu has a field " + name + " that nothing here writes");
            List<?> elements = want instanceof List<?> list ? list : List.of(want);
            assertTrue(elements.size() <= field.elements(), name);
            for (int i = 0; i < elements.size(); i++) {
                int at = field.offset() + i * field.elementBytes();
                Object got = switch (elements.get(i)) {
                    case Long _ -> bytes.get(ValueLayout.JAVA_LONG, at);
                    case Float _ -> bytes.get(ValueLayout.JAVA_FLOAT, at);
                    default -> bytes.get(ValueLayout.JAVA_INT, at);
                };
                assertEquals(elements.get(i), got, name + "[" + i + "] at " + at);
                assertEquals(field.elementBytes(), elements.get(i) instanceof Long ? 8 : 4, name);
            }
        });
    }

    @Test
    void plainArgumentHasEveryFieldInItsPlace() {
        AttentionSpec spec = spec(KvQuantisation.PER_TENSOR);
        KernelShape shape = shape(spec, false);
        DecodeArguments arguments = new DecodeArguments(shape, spec);
        write(arguments, spec, view(spec, 1, KvScales.perTensor(0.5f, 0.25f)));
        expected.putAll(Map.of("kScale", 0.5f, "vScale", 0.25f, "k", FAR * 2 + 48, "v", FAR * 3 + 64,
                "pagesPerSegment", 0));
        check(arguments, shape);
    }

    @Test
    void argumentOfSegmentsAndScalesPerHeadHasEveryFieldInItsPlace() {
        AttentionSpec spec = spec(KvQuantisation.PER_HEAD);
        KernelShape shape = shape(spec, true);
        DecodeArguments arguments = new DecodeArguments(shape, spec);
        write(arguments, spec,
                view(spec, 4, KvScales.perHead(new float[]{1, 2, 3}, new float[]{4, 5, 6})));
        expected.putAll(Map.of("kScale", 0f, "vScale", 0f, "k", 48L, "v", 64L, "pagesPerSegment", 9,
                "headScales", 1, "kScales", List.of(1f, 2f, 3f), "vScales", List.of(4f, 5f, 6f),
                "kSegments", List.of(FAR * 2, FAR * 2 + 1, FAR * 2 + 2, FAR * 2 + 3),
                "vSegments", List.of(FAR * 3, FAR * 3 + 1, FAR * 3 + 2, FAR * 3 + 3)));
        check(arguments, shape);
    }

    @Test
    void tablesAreFullWithoutRunningIntoEachOther() {
        AttentionSpec spec = Specs.of(KernelShape.MAX_HEADS, 1, 8, DataType.BF16).kvDtype(DataType.INT8)
                .kvQuantisation(KvQuantisation.PER_HEAD).build();
        KernelShape shape = KernelShape.of(spec, 1, 1, 8, 1);
        float[] k = new float[KernelShape.MAX_HEADS];
        float[] v = new float[KernelShape.MAX_HEADS];
        List<CudaBuffer> keys = new ArrayList<>();
        List<CudaBuffer> values = new ArrayList<>();
        for (int i = 0; i < KernelShape.MAX_HEADS; i++) {
            k[i] = i + 1;
            v[i] = i + 1000;
        }
        for (int i = 0; i < KernelShape.MAX_SEGMENTS; i++) {
            keys.add(WithoutDevice.buffer(FAR + i, 1 << 20));
            values.add(WithoutDevice.buffer(FAR * 2 + i, 1 << 20));
        }
        DecodeSource source = new DecodeSource();
        DecodeSource.Struct params = source.struct("Params", source.constants(shape));
        DecodeArguments arguments = new DecodeArguments(shape, spec);
        Tensor q =
                Tensor.of(WithoutDevice.buffer(0, 1 << 20), DataType.BF16, 1, KernelShape.MAX_HEADS, 8);
        arguments.tensors(q,
                KvCacheView.builder(spec, 1).k(keys).v(values).scales(KvScales.perHead(k, v)).build(), q,
                null, HeadParameters.NONE);
        MemorySegment bytes = WithoutDevice.bytes(arguments.block());
        for (int i = 0; i < KernelShape.MAX_HEADS; i++) {
            assertEquals(i + 1, bytes.get(ValueLayout.JAVA_FLOAT, params.offset("kScales") + 4L * i));
            assertEquals(i + 1000, bytes.get(ValueLayout.JAVA_FLOAT, params.offset("vScales") + 4L * i));
        }
        for (int i = 0; i < KernelShape.MAX_SEGMENTS; i++) {
            assertEquals(FAR + i, bytes.get(ValueLayout.JAVA_LONG, params.offset("kSegments") + 8L * i));
            assertEquals(FAR * 2 + i,
                    bytes.get(ValueLayout.JAVA_LONG, params.offset("vSegments") + 8L * i));
        }
        for (String absent : List.of("lse", "sinks", "slopes")) {
            assertEquals(0, bytes.get(ValueLayout.JAVA_LONG, params.offset(absent)), absent);
        }
        assertTrue(params.byteSize() <= 4096, "what every driver takes as arguments");
    }

    @Test
    void laterRunLeavesNothingOfAnEarlierOne() {
        AttentionSpec spec = spec(KvQuantisation.PER_TENSOR);
        KernelShape shape = shape(spec, true);
        DecodeArguments arguments = new DecodeArguments(shape, spec);
        write(arguments, spec, view(spec, 2, KvScales.perTensor(7, 8)));
        write(arguments, spec, view(spec, 1, KvScales.perTensor(0.5f, 0.25f)));
        expected.putAll(Map.of("kScale", 0.5f, "vScale", 0.25f, "k", FAR * 2 + 48, "v", FAR * 3 + 64,
                "pagesPerSegment", 0, "headScales", 0, "kScales", 0f, "vScales", 0f));
        expected.put("kSegments", List.of());
        expected.put("vSegments", List.of());
        check(arguments, shape);
    }

    @Test
    void unitHasAsManyIntsAsTheSourceReads() {
        DecodeSource.Struct unit = new DecodeSource().struct("Unit", Map.of());
        assertEquals(DecodeSchedule.UNIT_INTS * Integer.BYTES, unit.byteSize());
        assertEquals(DecodeSchedule.UNIT_INTS, unit.fields().size());
        assertEquals(DecodeSchedule.COUNTER * Integer.BYTES, unit.offset("counter"),
                "negative: a place without work");
    }
}
