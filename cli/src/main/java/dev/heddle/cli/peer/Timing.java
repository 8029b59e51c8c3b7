package dev.heddle.cli.peer;

import java.util.Arrays;

/**
 * Times a row: runs that are not counted, then runs that are, each on the next copy of K and V. Heddle and its peers are
 * timed by this code alone.
 */
public final class Timing {
    private static final int LEAST_RUNS = 5;
    private static final int MOST_RUNS = 4000;
    private static final int PATIENCE = 8; // a row whose runs take longer than this many times its time gets fewer

    private static final int SETTLED_ROUNDS = 2;
    private static final int MOST_ROUNDS = 15;
    private static final double SAME = 0.95; // a round within 5 % of the best is no faster

    private Timing() {}

    /** One run. */
    @FunctionalInterface
    public interface Run<E extends Exception> {
        /** Computes attention on a copy of K and V. */
        void on(int copy) throws E;
    }

    /**
     * Returns the times of the counted runs in microseconds.
     *
     * @param copies copies of K and V to walk through, 1 or more
     * @param warmUpMillis how long to run before the first counted run at least; up to five times that while runs get
     *     faster
     * @param timeMillis how long to count
     */
    public static <E extends Exception> double[] micros(int copies, int warmUpMillis, int timeMillis,
            Run<E> run)
            throws E {
        int next = warmUp(copies, warmUpMillis, run);
        double[] micros = new double[MOST_RUNS];
        int runs = 0;
        long begin = System.nanoTime();
        long spent = 0;
        while (runs < MOST_RUNS && (spent < timeMillis * 1_000_000L
                || runs < LEAST_RUNS && spent < PATIENCE * timeMillis * 1_000_000L)) {
            int copy = (next + runs) % copies;
            long start = System.nanoTime();
            run.on(copy);
            long end = System.nanoTime();
            micros[runs++] = (end - start) / 1e3;
            spent = end - begin;
        }
        return Arrays.copyOf(micros, runs);
    }

    /** Runs in rounds until they get no faster: a compiler may still be at work. Returns how many runs that took. */
    private static <E extends Exception> int warmUp(int copies, int millis, Run<E> run) throws E {
        int runs = 0;
        double best = Double.POSITIVE_INFINITY;
        int settled = 0;
        for (int round = 0; round < MOST_ROUNDS && settled < SETTLED_ROUNDS; round++) {
            int before = runs;
            long begin = System.nanoTime();
            long spent;
            do {
                run.on(runs++ % copies);
                spent = System.nanoTime() - begin;
            } while (spent < millis * 1_000_000L / (SETTLED_ROUNDS + 1));
            double each = (double) spent / (runs - before);
            settled = each < best * SAME ? 0 : settled + 1;
            best = Math.min(best, each);
        }
        return runs;
    }
}
