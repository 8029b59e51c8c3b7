package dev.heddle.cli.input;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.cache.KvScales;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostMemorySpace;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Seeded inputs for a shape: standard normal values, pages in random order. */
public final class MadeUp {
    private static final int VALUES = 1 << 12; // drawn once: filling a cache must not take longer than running it

    private MadeUp() {}

    /** Returns a batch whose pages lie at random places of a pool that just holds them. */
    public static BatchShape batch(AttentionSpec spec, BatchText lengths, long seed) {
        int requests = lengths.kvLens().length;
        int[] qoIndptr = new int[requests + 1];
        int[] kvIndptr = new int[requests + 1];
        int[] last = new int[requests];
        try {
            for (int i = 0; i < requests; i++) {
                int kvLen = lengths.kvLens()[i];
                int pages = Math.ceilDiv(kvLen, spec.pageSize());
                qoIndptr[i + 1] = Math.addExact(qoIndptr[i], lengths.qoLens()[i]);
                kvIndptr[i + 1] = Math.addExact(kvIndptr[i], pages);
                last[i] = pages == 0 ? 0 : kvLen - (pages - 1) * spec.pageSize();
            }
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("the batch has more than 2^31 rows or pages", e);
        }
        int[] ids = new int[kvIndptr[requests]];
        Arrays.setAll(ids, i -> i);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = ids.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int id = ids[i];
            ids[i] = ids[j];
            ids[j] = id;
        }
        return BatchShape.of(qoIndptr, PageTable.of(spec.pageSize(), ids.length, kvIndptr, ids, last));
    }

    /**
     * Inputs whose K and V are there several times, as the layers of a model are.
     *
     * @param input the case, with the first copy
     * @param copies all copies; the case owns them
     */
    public record Rotation(Case input, List<KvCacheView> copies) implements AutoCloseable {
        @Override
        public void close() {
            input.close();
        }
    }

    /** Returns inputs for a batch. The case owns them. */
    public static Case of(String name, AttentionSpec spec, BatchShape batch, long seed) {
        return rotation(name, spec, batch, seed, 1).input();
    }

    /** Returns inputs for a batch with equal copies of K and V. */
    public static Rotation rotation(String name, AttentionSpec spec, BatchShape batch, long seed,
            int copies) {
        HostMemorySpace memory = new HostMemorySpace();
        try {
            int rows = batch.totalQoLen();
            Tensor q = Tensor.of(
                    memory.allocate(
                            (long) rows * spec.numQoHeads() * spec.headDimQk() * spec.qDtype().byteSize(),
                            64),
                    spec.qDtype(), rows, spec.numQoHeads(), spec.headDimQk());
            KvCache cache =
                    KvCache.allocate(memory, spec, copies, Math.max(1, batch.pageTable().poolPages()));
            if (spec.kvQuantisation() == KvQuantisation.PER_TENSOR && spec.kDtype() == DataType.INT8) {
                for (int i = 0; i < copies; i++) {
                    cache.scales(i, KvScales.perTensor(1 / 32f, 1 / 32f));
                }
            }
            KvCacheView view = cache.layer(0);
            fill(q.buffer(), spec.qDtype(), 1, seed);
            fill(view.k().segments().getFirst(), spec.kDtype(), view.scales().k(0), seed + 1);
            fill(view.v().segments().getFirst(), spec.vDtype(), view.scales().v(0), seed + 2);
            HeadParameters heads =
                    new HeadParameters(perHead(spec.sinks(), spec, 0.5f), perHead(spec.alibi(), spec, 0.1f));
            List<KvCacheView> views = new ArrayList<>(List.of(view));
            for (int i = 1; i < copies; i++) {
                views.add(cache.layer(i));
                copy(view.k(), cache.layer(i).k());
                copy(view.v(), cache.layer(i).v());
            }
            return new Rotation(new Case(name, spec, batch, q, view, heads, null, memory),
                    List.copyOf(views));
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    private static void copy(KvPlane from, KvPlane to) {
        HostTensors.segment(to.segments().getFirst())
                .copyFrom(HostTensors.segment(from.segments().getFirst()));
    }

    private static @Nullable Tensor perHead(boolean wanted, AttentionSpec spec, float step) {
        if (!wanted) {
            return null;
        }
        float[] values = new float[spec.numQoHeads()];
        for (int h = 0; h < values.length; h++) {
            values[h] = step * (h % 8);
        }
        return Tensor.of(values, values.length);
    }

    private static void fill(Buffer buffer, DataType dtype, float scale, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment segment = HostTensors.segment(buffer);
        int size = dtype.byteSize();
        // Drawn values, encoded once; then random runs of them, eight bytes at a time.
        MemorySegment drawn = MemorySegment.ofArray(new long[VALUES]);
        for (long i = 0; i < drawn.byteSize() / size; i++) {
            HostTensors.set(drawn, dtype, i * size, (float) random.nextGaussian() / scale);
        }
        long words = segment.byteSize() / 8;
        for (long i = 0; i < words; i++) {
            long word = drawn.get(ValueLayout.JAVA_LONG_UNALIGNED, (random.nextInt() & (VALUES - 1)) * 8L);
            segment.set(ValueLayout.JAVA_LONG_UNALIGNED, i * 8, word);
        }
        MemorySegment.copy(drawn, 0, segment, words * 8, segment.byteSize() - words * 8);
    }
}
