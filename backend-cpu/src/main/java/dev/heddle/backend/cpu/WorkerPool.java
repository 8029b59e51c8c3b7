package dev.heddle.backend.cpu;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for work between runs. The calling thread always takes part and waits only for helpers that have
 * begun, so a run makes progress even on an executor whose threads are all busy. One run has the helpers at a time; a
 * run that finds them busy does its work alone.
 */
final class WorkerPool implements AutoCloseable {
    /** A piece of work that several workers take units of. */
    interface Job {
        /** Computes one unit; no two threads are the same worker at the same time. */
        void unit(int unit, int worker);
    }

    private static final int SPINS = 2_000; // some microseconds: the next layer usually comes sooner
    private static final int CLOSED = Integer.MIN_VALUE / 2;

    private final int parallelism;
    private final @Nullable Executor executor;
    private final Helper[] helping; // threads of its own
    private final Runnable help = this::help;
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicInteger gate = new AtomicInteger(CLOSED); // helpers that began; CLOSED between runs
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger next = new AtomicInteger();
    private volatile @Nullable Job job;
    private volatile int units;
    private volatile int helpers;
    private volatile int epoch;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;

    WorkerPool(int parallelism, @Nullable Executor executor) {
        this.parallelism = parallelism;
        this.executor = executor;
        this.helping = new Helper[executor == null ? parallelism - 1 : 0];
        for (int i = 0; i < helping.length; i++) {
            helping[i] = new Helper("heddle-cpu-" + (i + 1));
        }
    }

    int parallelism() {
        return parallelism;
    }

    /** Computes units {@code 0 .. count}; returns when all are done, throws what the first failing one threw. */
    void run(Job work, int count) {
        if (count <= 1 || parallelism == 1 || !busy.compareAndSet(false, true)) {
            for (int unit = 0; unit < count; unit++) {
                work.unit(unit, 0);
            }
            return;
        }
        Throwable thrown;
        try {
            failure = null;
            job = work;
            units = count;
            helpers = Math.min(parallelism, count) - 1;
            next.set(0);
            done.set(0);
            gate.set(0);
            try {
                wake();
                take(work, 0);
            } finally { // also when the caller's executor threw: nobody may work once this returns
                int begun = gate.getAndSet(CLOSED);
                while (done.get() < begun) {
                    Thread.onSpinWait();
                }
            }
            thrown = failure;
            job = null;
        } finally {
            busy.set(false);
        }
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
    }

    private void wake() {
        if (executor == null) {
            epoch = epoch + 1; // only the owner of busy writes it
            for (Helper helper : helping) {
                if (helper.sleeps) { // the others look at the epoch
                    LockSupport.unpark(helper.thread);
                }
            }
            return;
        }
        for (int i = 0; i < helpers; i++) {
            try {
                executor.execute(help);
            } catch (RejectedExecutionException e) {
                return; // the caller's threads are busy: fewer hands, same result
            }
        }
    }

    /** A thread of the pool. */
    private final class Helper {
        final Thread thread;
        volatile boolean sleeps; // set before it looks at the epoch for the last time: waking costs microseconds

        Helper(String name) {
            thread = Thread.ofPlatform().daemon().name(name).unstarted(this::serve);
            thread.start();
        }

        private void serve() {
            int seen = 0;
            while (!closed) {
                for (int spins = 0; spins < SPINS && epoch == seen && !closed; spins++) {
                    Thread.onSpinWait();
                }
                sleeps = true;
                while (epoch == seen && !closed) {
                    LockSupport.park(WorkerPool.this);
                }
                sleeps = false;
                seen = epoch;
                help();
            }
        }
    }

    /** Joins the run under way if it is still open and wants more hands. */
    private void help() {
        int worker;
        do {
            int begun = gate.get();
            if (begun < 0 || begun >= helpers) {
                return;
            }
            worker = begun + 1;
        } while (!gate.compareAndSet(worker - 1, worker));
        Job work = job;
        // The run may be another than the one whose helpers were counted above, and want fewer.
        if (work != null && worker <= helpers) {
            take(work, worker);
        }
        done.incrementAndGet();
    }

    private void take(Job work, int worker) {
        int count = units;
        try {
            for (int unit = next.getAndIncrement(); unit < count; unit = next.getAndIncrement()) {
                work.unit(unit, worker);
            }
        } catch (RuntimeException | Error e) {
            failure = e;
            next.set(count); // nobody starts another unit
        }
    }

    @Override
    public void close() {
        closed = true;
        boolean interrupted = false;
        for (Helper helper : helping) {
            LockSupport.unpark(helper.thread);
            try {
                helper.thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
