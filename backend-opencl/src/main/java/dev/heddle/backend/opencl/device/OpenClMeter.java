package dev.heddle.backend.opencl.device;

import dev.heddle.core.tensor.DeviceMeter;
import dev.heddle.core.tensor.ExecutionQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Events around each run, and before it a buffer larger than the last-level cache is written, which also keeps the
 * device busy while the host enqueues.
 */
final class OpenClMeter implements DeviceMeter, AutoCloseable {
    private static final long LEAST_FLUSH_BYTES = 512L << 20;
    private static final int FLUSH_CACHES = 4;
    private static final int WARM_UPS = 5;
    private static final int BATCH = 20; // runs enqueued at once
    private static final int TRIAL_REPEATS = 7;
    private static final int WORD_BYTES = 16;
    private static final int RANDOM_WORDS = 1 << 19;
    private static final int[] UNROLLS = {1, 4, 8};
    private static final int[] GROUPS = {128, 256, 512};
    private static final int[] GROUPS_PER_UNIT = {2, 4, 8, 16, 64};

    /** A kernel that reads, and how it is launched. */
    private record Reader(OpenClKernel kernel, int groupSize, int groups) {}

    private final OpenClMemorySpace space;
    private final List<OpenClProgram> programs = new ArrayList<>();
    private final Map<Integer, OpenClKernel> kernels = new HashMap<>(); // by unroll
    private final Map<Long, Reader> fastest = new HashMap<>();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment words = arena.allocate(ValueLayout.JAVA_LONG);
    private @Nullable OpenClBuffer flush;
    private @Nullable OpenClBuffer data;

    OpenClMeter(OpenClMemorySpace space) {
        this.space = space;
    }

    @Override
    public synchronized double[] micros(ExecutionQueue queue, Runnable enqueue, int repeats) {
        if (!(queue instanceof OpenClQueue own) || !own.space().equals(space.id())) {
            throw new IllegalArgumentException(
                    "the meter of " + space.id() + " cannot time work of a queue of " + queue.space());
        }
        if (repeats < 1) {
            throw new IllegalArgumentException("repeats must be 1 or more, got " + repeats);
        }
        return measure(own, enqueue, repeats, WARM_UPS);
    }

    @Override
    public synchronized double[] readMicros(long byteSize, int repeats) {
        if (byteSize < WORD_BYTES || repeats < 1) {
            throw new IllegalArgumentException("at least " + WORD_BYTES
                    + " bytes and one repeat are needed, got " + byteSize + " and " + repeats);
        }
        OpenClQueue queue = space.defaultQueue();
        OpenClBuffer source = source(byteSize);
        Reader reader = fastest.computeIfAbsent(byteSize, bytes -> fastestOf(queue, source, bytes));
        return measure(queue, () -> read(queue, reader, source, byteSize), repeats, WARM_UPS);
    }

    private Reader fastestOf(OpenClQueue queue, OpenClBuffer source, long byteSize) {
        Reader best = null;
        double least = Double.POSITIVE_INFINITY;
        for (int unroll : UNROLLS) {
            OpenClKernel kernel = load(unroll);
            for (int size : GROUPS) {
                for (int perUnit : GROUPS_PER_UNIT) {
                    if (size > space.device().largestGroup()) {
                        continue;
                    }
                    Reader reader = new Reader(kernel, size, perUnit * space.device().computeUnits());
                    double[] times =
                            measure(queue, () -> read(queue, reader, source, byteSize), TRIAL_REPEATS, 1);
                    Arrays.sort(times);
                    if (times[TRIAL_REPEATS / 2] < least) {
                        least = times[TRIAL_REPEATS / 2];
                        best = reader;
                    }
                }
            }
        }
        if (best == null) {
            throw new IllegalStateException(space.device().name() + " allows no work-group of " + GROUPS[0]);
        }
        return best;
    }

    private double[] measure(OpenClQueue queue, Runnable enqueue, int repeats, int warmUps) {
        for (int i = 0; i < warmUps; i++) {
            enqueue.run();
        }
        queue.synchronize();
        OpenClBuffer cold = flush();
        double[] micros = new double[repeats];
        for (int done = 0; done < repeats; done += BATCH) {
            int batch = Math.min(BATCH, repeats - done);
            List<OpenClEvent> events = new ArrayList<>(2 * batch);
            try {
                for (int i = 0; i < batch; i++) {
                    space.fill(cold, 0, cold.byteSize(), (byte) i, queue);
                    events.add(queue.record());
                    enqueue.run();
                    events.add(queue.record());
                }
                queue.synchronize();
                for (int i = 0; i < batch; i++) {
                    micros[done + i] = (events.get(2 * i + 1).nanos() - events.get(2 * i).nanos()) / 1e3;
                }
            } finally {
                events.forEach(OpenClEvent::close);
            }
        }
        return micros;
    }

    private void read(OpenClQueue queue, Reader reader, OpenClBuffer source, long byteSize) {
        words.set(ValueLayout.JAVA_LONG, 0, byteSize / WORD_BYTES);
        reader.kernel.setBuffer(0, source);
        reader.kernel.setBytes(1, words.address(), Long.BYTES);
        reader.kernel.setBuffer(2, flush());
        reader.kernel.launch(queue, reader.groups, reader.groupSize);
    }

    private OpenClKernel load(int unroll) {
        OpenClKernel known = kernels.get(unroll);
        if (known != null) {
            return known;
        }
        OpenClProgram program = new ProgramLoader(space, Optional.empty()).load("read.cl",
                ProgramLoader.source(OpenClMeter.class, "read.cl"), List.of("UNROLL=" + unroll),
                made -> {});
        programs.add(program);
        OpenClKernel kernel = program.kernel("heddle_read");
        kernels.put(unroll, kernel);
        return kernel;
    }

    private OpenClBuffer flush() {
        if (flush == null) {
            flush = space.allocate(Math.max(LEAST_FLUSH_BYTES, FLUSH_CACHES * space.device().cacheBytes()),
                    256);
        }
        return flush;
    }

    /** What is read, filled with something that is not zeros: those may be faster to read than real data. */
    private OpenClBuffer source(long byteSize) {
        if (data == null || data.byteSize() < byteSize) {
            if (data != null) {
                data.close();
                data = null;
            }
            data = space.allocate(byteSize, 256);
            fillRandomly(data, byteSize, space.defaultQueue());
        }
        return data;
    }

    private void fillRandomly(OpenClBuffer target, long byteSize, OpenClQueue queue) {
        MemorySegment block = MemorySegment.ofArray(new SplittableRandom(1).longs(RANDOM_WORDS).toArray());
        for (long at = 0; at < byteSize; at += block.byteSize()) {
            space.copyFromHost(block.asSlice(0, Math.min(block.byteSize(), byteSize - at)), target, at,
                    queue);
        }
    }

    @Override
    public synchronized void close() {
        kernels.values().forEach(OpenClKernel::close);
        programs.forEach(OpenClProgram::close);
        arena.close();
        for (OpenClBuffer buffer : new OpenClBuffer[]{flush, data}) {
            if (buffer != null) {
                buffer.close();
            }
        }
    }
}
