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
     * @param warmUpMillis how long to run before the first counted run
     * @param timeMillis how long to count
     */
    public static <E extends Exception> double[] micros(int copies, int warmUpMillis, int timeMillis,
            Run<E> run)
            throws E {
        int next = 0;
        long begin = System.nanoTime();
        do {
            run.on(next++ % copies);
        } while (System.nanoTime() - begin < warmUpMillis * 1_000_000L);
        double[] micros = new double[MOST_RUNS];
        int runs = 0;
        begin = System.nanoTime();
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
}
