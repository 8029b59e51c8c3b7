package dev.heddle.cli;

import java.util.Arrays;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * What this machine can do at most, measured on all its threads: bytes read once from memory, fused multiply-adds on
 * f32 in cache.
 *
 * @param readGbytesPerSecond 10⁹ bytes per second
 * @param fmaGflops 10⁹ operations per second, two for each multiply-add
 */
record Limits(double readGbytesPerSecond, double fmaGflops) {
    private static final int BYTES_PER_THREAD = 192 << 20;
    private static final int REPEATS = 5;
    private static final int BLOCK = 2048;
    private static final int FMA_ROUNDS = 20_000;
    private static final int CHAIN = 8;

    static Limits measure() {
        int threads = Runtime.getRuntime().availableProcessors();
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            long[][] memory = new long[threads][BYTES_PER_THREAD / Long.BYTES];
            for (long[] part : memory) {
                Arrays.setAll(part, i -> i);
            }
            float[][] block = new float[threads][BLOCK];
            double read = 0;
            double fma = 0;
            for (int i = 0; i < REPEATS; i++) { // the first rounds also compile the loops
                read = Math.max(read,
                        (double) BYTES_PER_THREAD * threads / nanos(pool, threads, t -> sum(memory[t])));
                fma = Math.max(fma, 2.0 * CHAIN * BLOCK * FMA_ROUNDS * threads
                        / nanos(pool, threads, t -> multiply(block[t])));
            }
            return new Limits(read, fma);
        }
    }

    private interface Part {
        void run(int thread);
    }

    private static double nanos(ExecutorService pool, int threads, Part part) {
        CyclicBarrier start = new CyclicBarrier(threads);
        var running = IntStream.range(0, threads).mapToObj(t -> pool.submit(() -> {
            start.await();
            long begin = System.nanoTime();
            part.run(t);
            return System.nanoTime() - begin;
        })).toList();
        long longest = 0;
        for (Future<Long> one : running) {
            try {
                longest = Math.max(longest, one.get());
            } catch (ExecutionException e) {
                throw new IllegalStateException("measuring the machine's limits failed", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while measuring the machine's limits", e);
            }
        }
        return longest;
    }

    private static void sum(long[] memory) {
        long total = 0;
        for (long word : memory) {
            total += word;
        }
        memory[0] = total; // the compiler must not drop the loop
    }

    private static void multiply(float[] block) {
        for (int round = 0; round < FMA_ROUNDS; round++) {
            // A chain for each element and many elements at once: the compiler turns this into full vectors.
            for (int i = 0; i < BLOCK; i++) {
                float x = block[i];
                x = Math.fma(x, 0.999f, 0.001f);
                x = Math.fma(x, 0.999f, 0.001f);
                x = Math.fma(x, 0.999f, 0.001f);
                x = Math.fma(x, 0.999f, 0.001f);
                x = Math.fma(x, 0.999f, 0.001f);
                x = Math.fma(x, 0.999f, 0.001f);
                x = Math.fma(x, 0.999f, 0.001f);
                x = Math.fma(x, 0.999f, 0.001f);
                block[i] = x;
            }
        }
    }
}
