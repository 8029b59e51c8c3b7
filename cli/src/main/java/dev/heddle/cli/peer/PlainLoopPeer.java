package dev.heddle.cli.peer;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** What one writes without a library: loops over arrays, one query head at a time, all logits kept. */
public final class PlainLoopPeer implements Peer {
    /** Needs nothing. */
    public PlainLoopPeer() {}

    @Override
    public Optional<String> refuses(PeerRow row) {
        return row.kvDtype().equals("f32") ? Optional.empty() : Optional.of("it has f32 KV alone");
    }

    @Override
    public Prepared prepare(PeerRow row, PeerInput input) {
        return new Loop(row, input);
    }

    private static final class Loop implements Prepared {
        private final PeerRow row;
        private final float[] q;
        private final float[] out;
        private final List<float[]> k = new ArrayList<>();
        private final List<float[]> v = new ArrayList<>();
        private final ExecutorService pool;

        Loop(PeerRow row, PeerInput input) {
            this.row = row;
            this.q = input.q().toArray(ValueLayout.JAVA_FLOAT);
            this.out = new float[q.length];
            for (int i = 0; i < row.copies(); i++) {
                k.add(floats(input.k()));
                v.add(floats(input.v()));
            }
            this.pool = Executors.newFixedThreadPool(row.threads());
        }

        private static float[] floats(MemorySegment segment) {
            return segment.toArray(ValueLayout.JAVA_FLOAT);
        }

        @Override
        public void run(int copy) throws PeerException {
            AtomicInteger next = new AtomicInteger();
            int tasks = row.totalQoLen() * row.numQoHeads();
            Callable<Boolean> worker = () -> {
                float[] logits = new float[longest()];
                for (int task = next.getAndIncrement(); task < tasks; task = next.getAndIncrement()) {
                    head(task / row.numQoHeads(), task % row.numQoHeads(), k.get(copy), v.get(copy), logits);
                }
                return true;
            };
            try {
                for (var done : pool.invokeAll(Collections.nCopies(row.threads(), worker))) {
                    done.get();
                }
            } catch (ExecutionException e) {
                throw new PeerException("the loop failed: " + e.getCause(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PeerException("interrupted", e);
            }
        }

        private int longest() {
            int longest = 0;
            for (int kvLen : row.kvLens()) {
                longest = Math.max(longest, kvLen);
            }
            return longest;
        }

        private void head(int qoRow, int head, float[] keys, float[] values, float[] logits) {
            int request = 0;
            int rowOfRequest = qoRow;
            int firstToken = 0;
            while (rowOfRequest >= row.qoLens()[request]) {
                rowOfRequest -= row.qoLens()[request];
                firstToken += row.kvLens()[request++];
            }
            int dim = row.headDim();
            int width = row.kvWidth();
            int tokens = row.visible(request, rowOfRequest);
            int qAt = qoRow * row.qoWidth() + head * dim;
            int kvAt = firstToken * width + head / (row.numQoHeads() / row.numKvHeads()) * dim;
            float most = Float.NEGATIVE_INFINITY;
            for (int t = 0; t < tokens; t++) {
                float dot = 0;
                for (int d = 0; d < dim; d++) {
                    dot += q[qAt + d] * keys[kvAt + t * width + d];
                }
                logits[t] = dot * row.scale();
                most = Math.max(most, logits[t]);
            }
            float sum = 0;
            for (int t = 0; t < tokens; t++) {
                logits[t] = (float) Math.exp(logits[t] - most);
                sum += logits[t];
            }
            for (int d = 0; d < dim; d++) {
                out[qAt + d] = 0;
            }
            for (int t = 0; t < tokens; t++) {
                float weight = logits[t] / sum;
                for (int d = 0; d < dim; d++) {
                    out[qAt + d] += weight * values[kvAt + t * width + d];
                }
            }
        }

        @Override
        public float[] output() {
            return out.clone();
        }

        @Override
        public void close() {
            pool.shutdown();
        }
    }
}
