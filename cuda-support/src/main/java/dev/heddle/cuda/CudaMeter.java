package dev.heddle.cuda;

import dev.heddle.core.tensor.DeviceMeter;
import dev.heddle.core.tensor.ExecutionQueue;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Events around each run, a buffer larger than the L2 written before it, and a kernel that spins first, so that the
 * host is always ahead of the device.
 */
final class CudaMeter implements DeviceMeter, AutoCloseable {
    private static final long LEAST_FLUSH_BYTES = 512L << 20;
    private static final int FLUSH_L2S = 4;
    private static final int WARM_UPS = 5;
    private static final int BATCH = 40; // runs enqueued at once: a stream takes about a thousand before it blocks
    private static final long LEAST_SPIN_NANOS = 5_000_000;
    private static final long MOST_SPIN_NANOS = 200_000_000;
    private static final int TRIAL_REPEATS = 7;
    private static final int FINALISTS = 3;
    private static final int FINAL_REPEATS = 21;
    private static final int RANDOM_WORDS = 1 << 19;
    private static final int ARGUMENT_BYTES = 24;
    private static final int WORD_BYTES = 16;
    private static final int[] UNROLLS = {1, 2, 4, 8, 16};
    private static final int[] BLOCK_THREADS = {256, 512};
    private static final int[] GRIDS = {0, 2, 4, 8}; // CTAs for each multiprocessor, 0: as many as the bytes need

    /** A kernel that reads, and how it is launched. */
    private record Reader(CudaKernel kernel, int unroll, int blockThreads, int grid) {}

    private record Trial(Reader reader, double micros) {}

    private final CudaMemorySpace space;
    private final List<CudaKernel> kernels = new ArrayList<>();
    private final List<Reader> readers = new ArrayList<>();
    private final Map<Long, Reader> fastest = new HashMap<>();
    private final LaunchArguments arguments = new LaunchArguments(ARGUMENT_BYTES);
    private @Nullable CudaKernel spin;
    private @Nullable CudaBuffer flush;
    private @Nullable CudaBuffer data;

    CudaMeter(CudaMemorySpace space) {
        this.space = space;
    }

    @Override
    public synchronized double[] micros(ExecutionQueue queue, Runnable enqueue, int repeats) {
        if (!(queue instanceof CudaQueue own) || !own.space().equals(space.id())) {
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
        CudaQueue queue = space.defaultQueue();
        CudaBuffer source = source(byteSize);
        Reader reader = fastest.get(byteSize);
        if (reader == null) {
            reader = fastestOf(queue, source, byteSize);
            fastest.put(byteSize, reader);
        }
        Reader chosen = reader;
        return measure(queue, () -> read(queue, chosen, source, byteSize), repeats, WARM_UPS);
    }

    private Reader fastestOf(CudaQueue queue, CudaBuffer source, long byteSize) {
        List<Trial> first = trials(readers(), queue, source, byteSize, TRIAL_REPEATS);
        List<Reader> finalists = first.subList(0, FINALISTS).stream().map(Trial::reader).toList();
        return trials(finalists, queue, source, byteSize, FINAL_REPEATS).getFirst().reader;
    }

    /** Returns readers by their median time, the fastest first. */
    private List<Trial> trials(List<Reader> of, CudaQueue queue, CudaBuffer source, long byteSize,
            int repeats) {
        List<Trial> trials = new ArrayList<>();
        for (Reader reader : of) {
            double[] times = measure(queue, () -> read(queue, reader, source, byteSize), repeats, 1);
            Arrays.sort(times);
            trials.add(new Trial(reader, times[repeats / 2]));
        }
        trials.sort(Comparator.comparingDouble(Trial::micros));
        return trials;
    }

    private double[] measure(CudaQueue queue, Runnable enqueue, int repeats, int warmUps) {
        double[] micros = new double[repeats];
        long perRun = 0;
        for (int i = 0; i < warmUps; i++) {
            long begin = System.nanoTime();
            enqueue.run();
            perRun = System.nanoTime() - begin; // the last one's: the first may load code
        }
        queue.synchronize();
        CudaBuffer cold = flush();
        for (int done = 0; done < repeats; done += BATCH) {
            int batch = Math.min(BATCH, repeats - done);
            long nanos = LEAST_SPIN_NANOS + 2 * perRun * batch;
            spin(queue, Math.min(nanos, MOST_SPIN_NANOS));
            List<CudaEvent> events = new ArrayList<>(2 * batch);
            try {
                for (int i = 0; i < batch; i++) {
                    space.fill(cold, 0, cold.byteSize(), (byte) 0, queue);
                    events.add(queue.recordTime());
                    enqueue.run();
                    events.add(queue.recordTime());
                }
                queue.synchronize();
                for (int i = 0; i < batch; i++) {
                    micros[done + i] = events.get(2 * i + 1).microsSince(events.get(2 * i));
                }
            } finally {
                events.forEach(CudaEvent::close);
            }
        }
        return micros;
    }

    private void read(CudaQueue queue, Reader reader, CudaBuffer source, long byteSize) {
        long words = byteSize / WORD_BYTES;
        long all = Math.ceilDiv(words, (long) reader.blockThreads * reader.unroll);
        long grid = reader.grid == 0 ? all : Math.min(all, (long) reader.grid * multiprocessors());
        arguments.putLong(0, source.address());
        arguments.putLong(8, words);
        arguments.putLong(16, flush().address());
        reader.kernel.launch(queue, (int) Math.min(grid, Integer.MAX_VALUE), 1, 1, reader.blockThreads, 0,
                arguments);
    }

    private void spin(CudaQueue queue, long nanos) {
        if (spin == null) {
            spin = load(1, false, "heddle_spin", loader());
        }
        arguments.putLong(8, nanos);
        spin.launch(queue, 1, 1, 1, 1, 0, arguments);
    }

    private List<Reader> readers() {
        if (readers.isEmpty()) {
            KernelLoader loader = loader();
            for (int unroll : UNROLLS) {
                for (boolean streaming : new boolean[]{false, true}) {
                    CudaKernel kernel = load(unroll, streaming, "heddle_read", loader);
                    for (int threads : BLOCK_THREADS) {
                        for (int grid : GRIDS) {
                            readers.add(new Reader(kernel, unroll, threads, grid));
                        }
                    }
                }
            }
        }
        return readers;
    }

    private KernelLoader loader() {
        return new KernelLoader(space.context(), Optional.empty());
    }

    private CudaKernel load(int unroll, boolean streaming, String entry, KernelLoader loader) {
        CudaKernel kernel = loader.load(KernelSource.resource(CudaMeter.class, "read.cu"),
                List.of("UNROLL=" + unroll, "STREAMING=" + (streaming ? 1 : 0)), entry);
        kernels.add(kernel);
        return kernel;
    }

    private int multiprocessors() {
        return space.context().device().multiprocessors();
    }

    private CudaBuffer flush() {
        if (flush == null) {
            long bytes = Math.max(LEAST_FLUSH_BYTES, (long) FLUSH_L2S * space.context().device().l2Bytes());
            flush = space.allocate(bytes, 256);
        }
        return flush;
    }

    /** What is read, filled with something that is not zeros: those may be faster to read than real data. */
    private CudaBuffer source(long byteSize) {
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

    private void fillRandomly(CudaBuffer target, long byteSize, CudaQueue queue) {
        MemorySegment block = MemorySegment.ofArray(new SplittableRandom(1).longs(RANDOM_WORDS).toArray());
        long done = Math.min(byteSize, block.byteSize());
        space.copyFromHost(block.asSlice(0, done), target, 0, queue);
        while (done < byteSize) {
            long more = Math.min(done, byteSize - done);
            space.copy(target, 0, target, done, more, queue);
            done += more;
        }
        queue.synchronize();
    }

    @Override
    public synchronized void close() {
        kernels.forEach(CudaKernel::close);
        arguments.close();
        for (CudaBuffer buffer : new CudaBuffer[]{flush, data}) {
            if (buffer != null) {
                buffer.close();
            }
        }
    }
}
