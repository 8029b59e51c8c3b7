package dev.heddle.cli.limits;

import dev.heddle.core.tensor.HostMemorySpace;
import dev.heddle.core.tensor.HostTensors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * Measures the limits of this machine again and again: neighbours on a shared machine halve them for seconds. Its
 * threads run already when a loop begins, its memory is what Heddle's caches are made of, and the loops are long.
 */
public final class HostMeter implements AutoCloseable {
    private static final long LEAST_PER_THREAD = 32L << 20;
    private static final long LEAST_IN_ALL = 512L << 20;
    private static final long MOST_IN_ALL = 2L << 30;
    private static final long USUAL_L3 = 32L << 20;
    private static final int ROUNDS = 3;
    private static final int SETTLED = 4;
    private static final long PIECE = 4L << 20;
    private static final int FMA_ROUNDS = 10_000;
    private static final int FMA_CALLS = 300;

    private final ExecutorService pool;
    private final HostMemorySpace space = new HostMemorySpace();
    private final List<MemorySegment> memory = new ArrayList<>();

    /** Starts threads and fills memory. */
    public HostMeter(int threads) {
        long all = Math.clamp(2 * cacheBytes(), LEAST_IN_ALL, MOST_IN_ALL); // as far beyond the caches as a row's copies
        long bytes = PIECE * Math.ceilDiv(Math.max(all / threads, LEAST_PER_THREAD), PIECE);
        this.pool = Executors.newFixedThreadPool(threads);
        for (int t = 0; t < threads; t++) {
            MemorySegment part = HostTensors.segment(space.allocate(bytes, 4096));
            for (long i = 0; i < bytes; i += Long.BYTES) {
                part.set(ValueLayout.JAVA_LONG, i, i);
            }
            memory.add(part);
        }
        for (int i = 0; i < SETTLED; i++) {
            measure(threads); // compiles the loops
        }
    }

    /**
     * Measures with so many threads, at most those that the meter was made for: the median of some rounds, as what is
     * compared with it is a median. Of two orders of reading the faster counts.
     */
    public Limits measure(int threads) {
        double[] read = new double[ROUNDS];
        double[] fma = new double[ROUNDS];
        double bytes = (double) memory.getFirst().byteSize() * threads;
        double operations = VectorLoops.operations(FMA_ROUNDS) * FMA_CALLS * threads;
        for (int i = 0; i < ROUNDS; i++) {
            long one = nanos(threads, t -> read(memory.get(t), false));
            long several = nanos(threads, t -> read(memory.get(t), true));
            read[i] = bytes / Math.min(one, several);
            fma[i] = operations / nanos(threads, t -> multiply());
        }
        Arrays.sort(read);
        Arrays.sort(fma);
        return new Limits(read[ROUNDS / 2], fma[ROUNDS / 2]);
    }

    private interface Part {
        long run(int thread); // what it computed, lest the compiler drops it
    }

    /** Returns the time from when all threads begin until the last one ends. */
    private long nanos(int threads, Part part) {
        CyclicBarrier start = new CyclicBarrier(threads);
        var running = IntStream.range(0, threads).mapToObj(t -> pool.submit(() -> {
            start.await();
            long begin = System.nanoTime();
            long result = part.run(t);
            return new long[]{begin, System.nanoTime(), result};
        })).toList();
        long begin = Long.MAX_VALUE;
        long end = Long.MIN_VALUE;
        for (Future<long[]> one : running) {
            try {
                begin = Math.min(begin, one.get()[0]);
                end = Math.max(end, one.get()[1]);
            } catch (ExecutionException e) {
                throw new IllegalStateException("measuring the machine's limits failed", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while measuring the machine's limits", e);
            }
        }
        return end - begin;
    }

    private static long read(MemorySegment memory, boolean several) {
        long total = 0;
        for (long from = 0; from < memory.byteSize(); from += PIECE) { // many calls: compiled after the first
            total += several ? VectorLoops.readSeveral(memory, from, PIECE)
                    : VectorLoops.readOne(memory, from, PIECE);
        }
        return total;
    }

    private static long multiply() {
        float total = 0;
        for (int i = 0; i < FMA_CALLS; i++) {
            total += VectorLoops.multiply(FMA_ROUNDS);
        }
        return Float.floatToRawIntBits(total);
    }

    /** Returns the bytes of the largest cache that this machine tells of, or what is usual. */
    public static long cacheBytes() {
        long most = 0;
        for (int i = 0; i < 8; i++) {
            Path file = Path.of("/sys/devices/system/cpu/cpu0/cache/index" + i + "/size");
            try {
                String text = Files.isReadable(file) ? Files.readString(file).strip() : "";
                if (text.matches("\\d{1,9}K")) {
                    most = Math.max(most, Long.parseLong(text.substring(0, text.length() - 1)) << 10);
                }
            } catch (IOException e) {
                return USUAL_L3;
            }
        }
        return most == 0 ? USUAL_L3 : most;
    }

    @Override
    public void close() {
        pool.close();
        space.close();
    }
}
