package dev.heddle.benchmarks.peer;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.heddle.cli.peer.Peer;
import dev.heddle.cli.peer.PeerException;
import dev.heddle.cli.peer.PeerInput;
import dev.heddle.cli.peer.PeerRow;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * ONNX Runtime's GroupQueryAttention on its CPU provider. Past and present are the same buffers, pinned as inputs and
 * outputs: without that it copies the whole cache in every run.
 */
public final class OnnxRuntimePeer implements Peer {
    private static final int FIRST_WITH_INT8 = 29; // minor version, of 1.x

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();

    /** Loads the native library. */
    public OnnxRuntimePeer() {}

    @Override
    public Optional<String> refuses(PeerRow row) {
        boolean int8 = row.kvDtype().equals("int8");
        int minor = Integer.parseInt(environment.getVersion().split("\\.")[1]);
        if (!int8 && !row.kvDtype().equals("f32")) {
            return Optional.of("it has f32 and int8 KV alone");
        }
        if (int8 && minor < FIRST_WITH_INT8) {
            return Optional.of("version " + environment.getVersion() + " has no int8 KV");
        }
        if (Arrays.stream(row.qoLens()).distinct().count() > 1) {
            return Optional.of("all requests need the same number of query rows");
        }
        if (row.qoLens()[0] > 1 && !row.causal()) {
            return Optional.of("its attention is causal");
        }
        return Optional.empty();
    }

    @Override
    public Prepared prepare(PeerRow row, PeerInput input) throws PeerException {
        Session session = new Session(environment, row);
        try {
            session.fill(input);
            return session;
        } catch (OrtException e) {
            session.close();
            throw new PeerException("ONNX Runtime: " + e.getMessage(), e);
        }
    }

    private static final class Session implements Prepared {
        private final OrtEnvironment environment;
        private final PeerRow row;
        private final Arena arena = Arena.ofShared();
        private final List<AutoCloseable> owned = new ArrayList<>();
        private final List<Map<String, OnnxTensor>> inputs = new ArrayList<>();
        private final List<Map<String, OnnxTensor>> outputs = new ArrayList<>();
        private final MemorySegment out;
        private final boolean int8;
        private OrtSession session;

        Session(OrtEnvironment environment, PeerRow row) throws PeerException {
            this.environment = environment;
            this.row = row;
            this.int8 = row.kvDtype().equals("int8");
            this.out = floats((long) row.totalQoLen() * row.qoWidth());
            byte[] model = GroupQueryAttentionModel.bytes(row.numQoHeads(), row.numKvHeads(), int8);
            try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
                options.setIntraOpNumThreads(row.threads());
                options.setInterOpNumThreads(1);
                this.session = own(environment.createSession(model, options));
            } catch (OrtException e) {
                arena.close();
                throw new PeerException("ONNX Runtime refuses the model: " + e.getMessage(), e);
            }
        }

        private <T extends AutoCloseable> T own(T one) {
            owned.add(one);
            return one;
        }

        private MemorySegment floats(long count) {
            return arena.allocate(count * Float.BYTES, 64);
        }

        private OnnxTensor tensor(MemorySegment values, long... shape) throws OrtException {
            return own(OnnxTensor.createTensor(environment,
                    values.asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer(), shape));
        }

        private OnnxTensor bytes(MemorySegment values, long... shape) throws OrtException {
            return own(OnnxTensor.createTensor(environment,
                    values.asByteBuffer().order(ByteOrder.nativeOrder()), shape, OnnxJavaType.INT8));
        }

        private OnnxTensor ints(int... values) throws OrtException {
            MemorySegment segment = arena.allocateFrom(ValueLayout.JAVA_INT, values);
            return own(OnnxTensor.createTensor(environment,
                    segment.asByteBuffer().order(ByteOrder.nativeOrder()).asIntBuffer(),
                    new long[]{values.length}));
        }

        void fill(PeerInput input) throws OrtException {
            int batch = row.batch();
            int qoLen = row.qoLens()[0];
            int most = Arrays.stream(row.kvLens()).max().orElseThrow();
            Map<String, OnnxTensor> common = new HashMap<>();
            common.put("query", tensor(copy(input.q()), batch, qoLen, row.qoWidth()));
            common.put("key", tensor(newest(input.k()), batch, qoLen, row.kvWidth()));
            common.put("value", tensor(newest(input.v()), batch, qoLen, row.kvWidth()));
            common.put("seqlens_k", ints(Arrays.stream(row.kvLens()).map(kvLen -> kvLen - 1).toArray()));
            common.put("total_sequence_length", ints(most));
            if (int8) {
                common.put("k_scale", tensor(arena.allocateFrom(ValueLayout.JAVA_FLOAT, row.kScale()), 1));
                common.put("v_scale", tensor(arena.allocateFrom(ValueLayout.JAVA_FLOAT, row.vScale()), 1));
            }
            OnnxTensor output = tensor(out, batch, qoLen, row.qoWidth());
            long[] shape = {batch, row.numKvHeads(), most, row.headDim()};
            MemorySegment k = cache(input.k(), most, row.kScale());
            MemorySegment v = cache(input.v(), most, row.vScale());
            for (int i = 0; i < row.copies(); i++) {
                OnnxTensor pastKey = int8 ? bytes(copy(k), shape) : tensor(copy(k), shape);
                OnnxTensor pastValue = int8 ? bytes(copy(v), shape) : tensor(copy(v), shape);
                Map<String, OnnxTensor> of = new HashMap<>(common);
                of.put("past_key", pastKey);
                of.put("past_value", pastValue);
                inputs.add(of);
                outputs.add(Map.of("output", output, "present_key", pastKey, "present_value", pastValue));
            }
        }

        private MemorySegment copy(MemorySegment of) {
            MemorySegment copy = arena.allocate(of.byteSize(), 64);
            copy.copyFrom(of);
            return copy;
        }

        /** Returns the K or V of the query's own tokens, {@code [B, S, Hkv·D]}: it adds them to the cache itself. */
        private MemorySegment newest(MemorySegment tokens) {
            long token = (long) row.kvWidth() * Float.BYTES;
            int qoLen = row.qoLens()[0];
            MemorySegment newest = floats((long) row.totalQoLen() * row.kvWidth());
            long end = 0;
            for (int b = 0; b < row.batch(); b++) {
                end += row.kvLens()[b];
                MemorySegment.copy(tokens, (end - qoLen) * token, newest, b * qoLen * token, qoLen * token);
            }
            return newest;
        }

        /** Returns K or V as the cache has it, {@code [B, Hkv, T, D]}. */
        private MemorySegment cache(MemorySegment tokens, int capacity, float scale) {
            int dim = row.headDim();
            int heads = row.numKvHeads();
            int size = int8 ? 1 : Float.BYTES;
            MemorySegment cache = arena.allocate((long) row.batch() * heads * capacity * dim * size, 64);
            long token = 0;
            for (int b = 0; b < row.batch(); b++) {
                for (int t = 0; t < row.kvLens()[b]; t++, token++) {
                    for (int h = 0; h < heads; h++) {
                        long from = token * row.kvWidth() + (long) h * dim;
                        long to = (((long) b * heads + h) * capacity + t) * dim;
                        if (int8) {
                            for (int d = 0; d < dim; d++) {
                                float value = tokens.getAtIndex(ValueLayout.JAVA_FLOAT, from + d) / scale;
                                cache.set(ValueLayout.JAVA_BYTE, to + d, (byte) Math.clamp(Math.rint(value), -128, 127));
                            }
                        } else {
                            MemorySegment.copy(tokens, from * size, cache, to * size, (long) dim * size);
                        }
                    }
                }
            }
            return cache;
        }

        @Override
        public void run(int copy) throws PeerException {
            try {
                session.run(inputs.get(copy), outputs.get(copy)).close();
            } catch (OrtException e) {
                throw new PeerException("ONNX Runtime: " + e.getMessage(), e);
            }
        }

        @Override
        public float[] output() {
            return out.toArray(ValueLayout.JAVA_FLOAT);
        }

        @Override
        public void close() throws PeerException {
            try {
                for (AutoCloseable one : owned.reversed()) {
                    one.close();
                }
            } catch (Exception e) {
                throw new PeerException("ONNX Runtime: " + e.getMessage(), e);
            } finally {
                arena.close();
            }
        }
    }
}
