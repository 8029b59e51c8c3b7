package dev.heddle.benchmarks.peer;

import com.github.tjake.jlama.math.VectorMath;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;
import com.github.tjake.jlama.tensor.operations.TensorOperations;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import dev.heddle.cli.peer.Peer;
import dev.heddle.cli.peer.PeerInput;
import dev.heddle.cli.peer.PeerRow;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Jlama's attention. Its class {@code CausalSelfAttention} begins and ends with the projections of a model's layer, so
 * its middle is called here as it calls it: positions one after another, heads in parallel, and for each head
 * batchDotProduct, scale, softMax and saxpy. K and V lie in one page, tensors for logits are kept between runs: both are
 * kinder to it than its own cache. Requests run one after another; Jlama batches prompts only.
 */
public final class JlamaPeer implements Peer {
    private int threads;

    /** Loads nothing yet: the thread count comes with the first row. */
    public JlamaPeer() {}

    @Override
    public Optional<String> refuses(PeerRow row) {
        if (!row.kvDtype().equals("f32")) {
            return Optional.of("it is timed with f32 KV alone");
        }
        for (int qoLen : row.qoLens()) {
            if (qoLen > 1 && !row.causal()) {
                return Optional.of("its attention is causal");
            }
        }
        return Optional.empty();
    }

    @Override
    public Prepared prepare(PeerRow row, PeerInput input) {
        if (threads == 0) {
            threads = row.threads();
            PhysicalCoreExecutor.overrideThreadCount(threads); // once in a VM
        }
        if (threads != row.threads()) {
            throw new IllegalStateException("this VM has " + threads + " threads, the row wants " + row.threads());
        }
        return new Attention(row, input);
    }

    private static final class Attention implements Prepared {
        private final PeerRow row;
        private final TensorOperations operations = TensorOperationsProvider.get();
        private final AbstractTensor<?, ?> q;
        private final AbstractTensor<?, ?> out;
        private final List<List<AbstractTensor<?, ?>>> k = new ArrayList<>();
        private final List<List<AbstractTensor<?, ?>>> v = new ArrayList<>();
        private final List<AbstractTensor<?, ?>> logits = new ArrayList<>();

        Attention(PeerRow row, PeerInput input) {
            this.row = row;
            this.q = tensor(input.q(), row.totalQoLen(), row.qoWidth());
            this.out = new FloatBufferTensor(row.totalQoLen(), row.qoWidth());
            for (int i = 0; i < row.copies(); i++) {
                k.add(requests(input.k()));
                v.add(requests(input.v()));
            }
            int longest = 0;
            for (int kvLen : row.kvLens()) {
                longest = Math.max(longest, kvLen);
            }
            for (int h = 0; h < row.numQoHeads(); h++) {
                logits.add(new FloatBufferTensor(1, longest));
            }
        }

        private List<AbstractTensor<?, ?>> requests(MemorySegment tokens) {
            List<AbstractTensor<?, ?>> requests = new ArrayList<>();
            long at = 0;
            for (int kvLen : row.kvLens()) {
                long bytes = (long) kvLen * row.kvWidth() * Float.BYTES;
                requests.add(tensor(tokens.asSlice(at, bytes), kvLen, row.kvWidth()));
                at += bytes;
            }
            return requests;
        }

        private static AbstractTensor<?, ?> tensor(MemorySegment values, int rows, int width) {
            FloatBuffer buffer = ByteBuffer.allocateDirect(Math.toIntExact(values.byteSize()))
                    .order(ByteOrder.nativeOrder()).asFloatBuffer();
            MemorySegment.ofBuffer(buffer).copyFrom(values);
            return new FloatBufferTensor(buffer, TensorShape.of(rows, width), false);
        }

        @Override
        public void run(int copy) {
            out.clear();
            int qoRow = 0;
            for (int request = 0; request < row.batch(); request++) {
                AbstractTensor<?, ?> keys = k.get(copy).get(request);
                AbstractTensor<?, ?> values = v.get(copy).get(request);
                for (int i = 0; i < row.qoLens()[request]; i++, qoRow++) {
                    AbstractTensor<?, ?> query = q.slice(qoRow);
                    AbstractTensor<?, ?> value = out.slice(qoRow);
                    int tokens = row.visible(request, i);
                    VectorMath.pfor(0, row.numQoHeads(), head -> head(head, tokens, query, keys, values, value));
                }
            }
        }

        private void head(int head, int tokens, AbstractTensor<?, ?> query, AbstractTensor<?, ?> keys,
                AbstractTensor<?, ?> values, AbstractTensor<?, ?> value) {
            int dim = row.headDim();
            int kvAt = head / (row.numQoHeads() / row.numKvHeads()) * dim;
            int qAt = head * dim;
            AbstractTensor<?, ?> attention = logits.get(head);
            operations.batchDotProduct(attention, query, keys, qAt, kvAt, dim, 0, 0, tokens);
            operations.scale(row.scale(), attention, 0, tokens);
            VectorMath.softMax(attention, 0, tokens);
            operations.saxpy(attention, values, value, kvAt, qAt, dim, 0, 0, tokens);
        }

        @Override
        public float[] output() {
            MemorySegment segment = out.getMemorySegment();
            return segment.toArray(ValueLayout.JAVA_FLOAT);
        }

        @Override
        public void close() {
            k.clear();
            v.clear();
        }
    }
}
