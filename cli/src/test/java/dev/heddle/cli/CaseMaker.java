package dev.heddle.cli;

import dev.heddle.cli.input.BatchText;
import dev.heddle.cli.input.Case;
import dev.heddle.cli.input.MadeUp;
import dev.heddle.cli.safetensors.SafetensorsWriter;
import dev.heddle.cli.safetensors.StoredTensor;
import dev.heddle.cli.safetensors.StoredType;
import dev.heddle.conformance.oracle.Expected;
import dev.heddle.conformance.oracle.Oracle;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/** A case file in the making: right when it is made, and as wrong as a test wants it. */
final class CaseMaker {
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    /** Makes a case of 4/2 heads, head dim 8, pages of 4: a decode, a chunk and an empty request. */
    static CaseMaker small() {
        return of("small", AttentionSpec.builder().numQoHeads(4).numKvHeads(2).headDim(8)
                .dtype(DataType.F32).pageSize(4).build(), "1x6,3x9,1x0");
    }

    /** Makes a case with the oracle's answer. */
    static CaseMaker of(String name, AttentionSpec spec, String batchText) {
        CaseMaker maker = new CaseMaker();
        BatchShape batch = MadeUp.batch(spec, BatchText.parse(batchText), 7);
        try (Case input = MadeUp.of(name, spec, batch, 7)) {
            PageTable table = batch.pageTable();
            long rows = batch.totalQoLen();
            long qoHeads = spec.numQoHeads();
            long pages = table.poolPages();
            maker.put("q", StoredType.valueOf(spec.qDtype().id().toUpperCase(Locale.ROOT)),
                    bytes(input.q().buffer()), rows, qoHeads, spec.headDimQk());
            maker.cache("k_cache", spec, input.kv().k().segments().getFirst(), pages, spec.headDimQk());
            maker.cache("v_cache", spec, input.kv().v().segments().getFirst(), pages, spec.headDimVo());
            maker.ints("qo_indptr", table(batch.batchSize() + 1, batch::qoIndptr));
            maker.ints("kv_indptr", table(batch.batchSize() + 1, table::kvIndptr));
            maker.ints("kv_indices", table(table.kvIndptr(batch.batchSize()), table::kvIndex));
            maker.ints("kv_last_page_len", table(batch.batchSize(), table::kvLastPageLen));
            Expected exact = Oracle.attend(spec, batch, input.q(), input.kv(), input.heads());
            maker.put("out", StoredType.F32, floats(exact.out()), rows, qoHeads, spec.headDimVo());
            maker.put("lse", StoredType.F32, floats(exact.lse()), rows, qoHeads);
        }
        maker.metadata("name", name).metadata("dtype", spec.qDtype().id())
                .metadata("causal", String.valueOf(spec.causal()))
                .metadata("window_left", String.valueOf(spec.windowLeft()))
                .metadata("logits_soft_cap", String.valueOf(spec.logitsSoftCap()))
                .metadata("page_size", String.valueOf(spec.pageSize()));
        return maker;
    }

    private void cache(String name, AttentionSpec spec, Buffer buffer, long pages, long dim) {
        DataType dtype = name.equals("k_cache") ? spec.kDtype() : spec.vDtype();
        put(name, StoredType.valueOf(dtype.id().toUpperCase(Locale.ROOT)), bytes(buffer), pages,
                spec.pageSize(), spec.numKvHeads(), dim);
    }

    CaseMaker put(String name, StoredType type, byte[] data, long... shape) {
        tensors.put(name, new StoredTensor(name, type, IntStream.range(0, shape.length)
                .mapToObj(i -> shape[i]).toList(), MemorySegment.ofArray(data)));
        return this;
    }

    /** Puts a tensor of zeros. */
    CaseMaker zeros(String name, StoredType type, long... shape) {
        long elements = 1;
        for (long extent : shape) {
            elements *= extent;
        }
        return put(name, type, new byte[Math.toIntExact(elements * type.byteSize())], shape);
    }

    CaseMaker ints(String name, int... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(values);
        return put(name, StoredType.I32, bytes.array(), values.length);
    }

    CaseMaker remove(String name) {
        tensors.remove(name);
        return this;
    }

    CaseMaker metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** Returns a stored f32 tensor's values. */
    float[] values(String name) {
        float[] values = new float[Math.toIntExact(tensors.get(name).data().byteSize() / Float.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensors.get(name).data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
        }
        return values;
    }

    /** Multiplies one value of a stored f32 tensor. */
    CaseMaker scale(String name, int index, float factor) {
        tensors.get(name).data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * index,
                factor * values(name)[index]);
        return this;
    }

    /** Writes the file and returns its path as a command takes it. */
    String write(Path file) throws IOException {
        SafetensorsWriter.write(file, List.copyOf(tensors.values()), metadata);
        return file.toString();
    }

    private static int[] table(int size, IntUnaryOperator value) {
        return IntStream.range(0, size).map(value).toArray();
    }

    private static byte[] bytes(Buffer buffer) {
        return HostTensors.segment(buffer).toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] floats(double[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            bytes.putFloat((float) value);
        }
        return bytes.array();
    }
}
