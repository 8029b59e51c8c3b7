package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pool with threads of its own: every unit once, by distinct workers, and a clean end. */
@Timeout(60) // only there to report a deadlock
class WorkerPoolTest {
    /** Counts units, and that no two threads are the same worker at once. */
    static final class Counting implements WorkerPool.Job {
        private final AtomicIntegerArray units;
        private final AtomicIntegerArray busy;
        final AtomicInteger clashes = new AtomicInteger();

        Counting(int count, int workers) {
            units = new AtomicIntegerArray(count);
            busy = new AtomicIntegerArray(workers);
        }

        @Override
        public void unit(int unit, int worker) {
            if (!busy.compareAndSet(worker, 0, 1)) {
                clashes.incrementAndGet();
            }
            units.incrementAndGet(unit);
            busy.set(worker, 0);
        }

        void assertEveryUnitDone(int times) {
            for (int i = 0; i < units.length(); i++) {
                assertEquals(times, units.get(i), "runs of unit " + i);
            }
            assertEquals(0, clashes.get(), "two threads that were the same worker");
        }
    }

    static Set<Thread> ownThreads() {
        Set<Thread> found = new HashSet<>(Thread.getAllStackTraces().keySet());
        found.removeIf(thread -> !thread.getName().startsWith("heddle-cpu-"));
        return found;
    }

    static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void everyUnitRunsOnce(int parallelism) {
        try (WorkerPool pool = new WorkerPool(parallelism, null)) {
            for (int count : new int[]{0, 1, 2, 3, 5, 100}) {
                Counting job = new Counting(count, parallelism);
                for (int i = 0; i < 200; i++) {
                    pool.run(job, count);
                }
                job.assertEveryUnitDone(200);
            }
        }
    }

    /** Each unit waits for all others: this ends only if every worker is a thread of its own. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 8})
    void allThreadsTakePart(int parallelism) {
        try (WorkerPool pool = new WorkerPool(parallelism, null)) {
            for (int i = 0; i < 20; i++) {
                CyclicBarrier all = new CyclicBarrier(parallelism);
                Set<Thread> threads = ConcurrentHashMap.newKeySet();
                Set<Integer> workers = ConcurrentHashMap.newKeySet();
                pool.run((unit, worker) -> {
                    threads.add(Thread.currentThread());
                    workers.add(worker);
                    await(all);
                }, parallelism);
                assertEquals(parallelism, threads.size());
                assertTrue(threads.contains(Thread.currentThread()), "the caller takes part");
                assertEquals(parallelism, workers.size());
            }
        }
    }

    /** A helper that wakes late may join the next run, which may have scratch for fewer workers. */
    @Test
    void noWorkerBeyondTheUnitsOfARun() {
        int parallelism = 8;
        AtomicInteger highest = new AtomicInteger();
        CyclicBarrier both = new CyclicBarrier(2); // the caller cannot do both units alone
        WorkerPool.Job job = (unit, worker) -> {
            highest.accumulateAndGet(worker, Math::max);
            await(both);
        };
        try (WorkerPool pool = new WorkerPool(parallelism, null)) {
            for (int i = 0; i < 3_000; i++) {
                pool.run((unit, worker) -> Thread.onSpinWait(), parallelism);
                pool.run(job, 2);
                assertTrue(highest.get() <= 1, "worker " + highest.get() + " of a run of 2 units");
            }
        }
    }

    @Test
    void aRunWithinARunAndRunsOfManyThreadsComplete() throws InterruptedException {
        Counting job = new Counting(50, 4);
        try (WorkerPool pool = new WorkerPool(4, null)) {
            pool.run((unit, worker) -> pool.run(new Counting(3, 4), 3), 20);
            Thread[] callers = new Thread[6];
            CountDownLatch finished = new CountDownLatch(callers.length);
            for (int i = 0; i < callers.length; i++) {
                Counting own = new Counting(50, 4);
                callers[i] = Thread.ofPlatform().start(() -> {
                    for (int run = 0; run < 300; run++) {
                        pool.run(own, 50);
                    }
                    own.assertEveryUnitDone(300);
                    finished.countDown();
                });
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertEquals(0, finished.getCount(), "callers that failed");
            pool.run(job, 50);
        }
        job.assertEveryUnitDone(1);
    }

    @Test
    void whatAWorkerThrowsReachesTheCallerAfterAllHaveStopped() {
        try (WorkerPool pool = new WorkerPool(4, null)) {
            for (int i = 0; i < 200; i++) {
                int bad = i % 40;
                AtomicInteger active = new AtomicInteger();
                AtomicInteger started = new AtomicInteger();
                RuntimeException thrown =
                        assertThrows(ArithmeticException.class, () -> pool.run((unit, worker) -> {
                            active.incrementAndGet();
                            started.incrementAndGet();
                            try {
                                if (unit == bad) {
                                    throw new ArithmeticException("unit " + unit);
                                }
                            } finally {
                                active.decrementAndGet();
                            }
                        }, 40));
                assertEquals("unit " + bad, thrown.getMessage());
                assertEquals(0, active.get(), "units under way after the run");
                assertTrue(started.get() > bad);
                Counting next = new Counting(40, 4);
                pool.run(next, 40);
                next.assertEveryUnitDone(1);
            }
        }
    }

    @Test
    void anErrorOfAHelperReachesTheCaller() {
        Thread caller = Thread.currentThread();
        CyclicBarrier all = new CyclicBarrier(2);
        try (WorkerPool pool = new WorkerPool(2, null)) {
            assertThrows(StackOverflowError.class, () -> pool.run((unit, worker) -> {
                await(all); // both threads have a unit
                if (Thread.currentThread() != caller) {
                    throw new StackOverflowError();
                }
            }, 2));
        }
    }

    @Test
    void closeEndsTheThreads() {
        Set<Thread> before = ownThreads();
        WorkerPool pool = new WorkerPool(4, null);
        Set<Thread> mine = ownThreads();
        mine.removeAll(before);
        assertEquals(3, mine.size());
        assertTrue(mine.stream().allMatch(Thread::isDaemon),
                "a forgotten session must not keep the JVM alive");
        pool.run(new Counting(10, 4), 10);
        pool.close();
        pool.close();
        assertFalse(mine.stream().anyMatch(Thread::isAlive));
    }

    @Test
    void interruptsStayWithTheirOwnerAndDisturbNobody() throws InterruptedException {
        Set<Thread> before = ownThreads();
        WorkerPool pool = new WorkerPool(3, null);
        Set<Thread> mine = ownThreads();
        mine.removeAll(before);
        Counting job = new Counting(60, 3);
        Thread.currentThread().interrupt();
        pool.run(job, 60);
        assertTrue(Thread.interrupted(), "the caller is still interrupted");
        mine.forEach(Thread::interrupt);
        pool.run(job, 60);
        job.assertEveryUnitDone(2);
        Thread.currentThread().interrupt();
        pool.close();
        assertTrue(Thread.interrupted(), "the closer is still interrupted");
        for (Thread thread : mine) {
            thread.join();
        }
    }

    @Test
    void aSingleWorkerStartsNoThread() {
        Set<Thread> before = ownThreads();
        try (WorkerPool pool = new WorkerPool(1, null);
                ExecutorService none = Executors.newCachedThreadPool()) {
            assertEquals(before, ownThreads());
            try (WorkerPool borrowed = new WorkerPool(4, none)) {
                assertEquals(before, ownThreads());
                assertEquals(4, borrowed.parallelism());
            }
            Set<Thread> threads = new HashSet<>();
            pool.run((unit, worker) -> threads.add(Thread.currentThread()), 5);
            assertEquals(Set.of(Thread.currentThread()), threads);
        }
    }
}
