package dev.heddle.cli.bench;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.MemorySpace;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Inputs made up for timing alone, on the device: a block of random values, repeated by copies there until the cache
 * is full. Their values are plausible, but not independent, so nothing is verified with them.
 */
final class DeviceInput implements AutoCloseable {
    private static final int BLOCK_BYTES = 16 << 20;
    private static final int DRAWN_BYTES = 1 << 15;
    private static final int ALIGNMENT = 256;

    private final MemorySpace space;
    private final List<Buffer> owned = new ArrayList<>();
    private final KvCache cache;
    private final Tensor q;
    private final Tensor out;
    private final @Nullable Tensor lse;

    DeviceInput(MemorySpace space, AttentionSpec spec, BatchShape batch) {
        this.space = space;
        KvCache allocated = null;
        try {
            int rows = batch.totalQoLen();
            q = tensor(spec.qDtype(), rows, spec.numQoHeads(), spec.headDimQk());
            fill(q.buffer(), spec.qDtype(), 1);
            out = tensor(spec.outDtype(), rows, spec.numQoHeads(), spec.headDimVo());
            lse = spec.lse() ? tensor(DataType.F32, rows, spec.numQoHeads()) : null;
            allocated = KvCache.allocate(space, spec, 1, Math.max(1, batch.pageTable().poolPages()));
            fill(allocated.layer(0).k().segments().getFirst(), spec.kDtype(), 2);
            fill(allocated.layer(0).v().segments().getFirst(), spec.vDtype(), 3);
            space.defaultQueue().synchronize();
            cache = allocated;
        } catch (RuntimeException | Error e) {
            if (allocated != null) {
                allocated.close();
            }
            owned.forEach(Buffer::close);
            throw e;
        }
    }

    private Tensor tensor(DataType dtype, long... shape) {
        long bytes = dtype.byteSize();
        for (long extent : shape) {
            bytes = Math.multiplyExact(bytes, extent);
        }
        Buffer buffer = space.allocate(bytes, ALIGNMENT);
        owned.add(buffer);
        return Tensor.of(buffer, dtype, shape);
    }

    private void fill(Buffer target, DataType dtype, long seed) {
        long done = Math.min(BLOCK_BYTES, target.byteSize());
        space.copyFromHost(block(dtype, seed).asSlice(0, done), target, 0, space.defaultQueue());
        while (done < target.byteSize()) {
            long more = Math.min(done, target.byteSize() - done);
            space.copy(target, 0, target, done, more, space.defaultQueue());
            done += more;
        }
    }

    /** Returns random runs of values that were drawn and encoded once. */
    private static MemorySegment block(DataType dtype, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment drawn = MemorySegment.ofArray(new long[DRAWN_BYTES / Long.BYTES]);
        for (long at = 0; at < drawn.byteSize(); at += dtype.byteSize()) {
            HostTensors.set(drawn, dtype, at, (float) random.nextGaussian());
        }
        long[] words = new long[BLOCK_BYTES / Long.BYTES];
        for (int i = 0; i < words.length; i++) {
            long from = random.nextInt(DRAWN_BYTES / Long.BYTES) * (long) Long.BYTES;
            words[i] = drawn.get(ValueLayout.JAVA_LONG_UNALIGNED, from);
        }
        return MemorySegment.ofArray(words);
    }

    Tensor q() {
        return q;
    }

    KvCacheView kv() {
        return cache.layer(0);
    }

    Tensor out() {
        return out;
    }

    @Nullable
    Tensor lse() {
        return lse;
    }

    @Override
    public void close() {
        cache.close();
        owned.forEach(Buffer::close);
    }
}
