package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.tensor.DataType;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The pool on the caller's executor, however little that executor does. */
@Timeout(60) // only there to report a deadlock
class BorrowedExecutorTest {
    private static final int WORKERS = 4;

    private static void assertCompletes(Executor executor, int runs) {
        try (WorkerPool pool = new WorkerPool(WORKERS, executor)) {
            WorkerPoolTest.Counting job = new WorkerPoolTest.Counting(30, WORKERS);
            for (int i = 0; i < runs; i++) {
                pool.run(job, 30);
            }
            job.assertEveryUnitDone(runs);
        }
    }

    @Test
    void itsThreadsDoTheWork() {
        try (ExecutorService executor =
                Executors.newFixedThreadPool(WORKERS - 1, Thread.ofPlatform().name("caller-", 0).factory());
                WorkerPool pool = new WorkerPool(WORKERS, executor)) {
            CyclicBarrier all = new CyclicBarrier(WORKERS);
            Set<String> names = ConcurrentHashMap.newKeySet();
            pool.run((unit, worker) -> {
                names.add(Thread.currentThread().getName());
                WorkerPoolTest.await(all); // passes only if all of the executor's threads help
            }, WORKERS);
            names.remove(Thread.currentThread().getName());
            assertEquals(Set.of("caller-0", "caller-1", "caller-2"), names);
        }
    }

    @Test
    void fewerThreadsThanAskedFor() {
        try (ExecutorService one = Executors.newSingleThreadExecutor()) {
            assertCompletes(one, 500);
        }
    }

    @Test
    void threadsThatAreBusyForever() throws InterruptedException {
        CountDownLatch release = new CountDownLatch(1);
        try (ExecutorService one = Executors.newSingleThreadExecutor()) {
            one.execute(() -> {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            assertCompletes(one, 20);
            release.countDown();
        }
    }

    @Test
    void anExecutorThatRejects() {
        AtomicInteger asked = new AtomicInteger();
        assertCompletes(task -> {
            asked.incrementAndGet();
            throw new RejectedExecutionException("full");
        }, 20);
        assertTrue(asked.get() >= 20);
    }

    @Test
    void anExecutorThatRunsOnTheCallingThread() {
        assertCompletes(Runnable::run, 50);
    }

    @Test
    void anExecutorThatRunsTasksWhenTheirRunIsLongOver() {
        Queue<Runnable> queue = new ArrayDeque<>();
        assertCompletes(queue::add, 20);
        assertTrue(queue.size() >= 20 * (WORKERS - 1));
        queue.forEach(Runnable::run); // must find nothing to do, and nothing closed under their feet
    }

    /** A thread pool that cannot start a thread throws no RejectedExecutionException. */
    @Test
    void anExecutorThatFailsLeavesNobodyWorking() {
        AtomicInteger calls = new AtomicInteger();
        AtomicInteger active = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(1);
                WorkerPool pool = new WorkerPool(WORKERS, task -> {
                    if (calls.incrementAndGet() == 2) { // the first helper has been sent off
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    threads.execute(task);
                })) {
            for (int i = 0; i < 50; i++) {
                calls.set(0);
                assertThrows(OutOfMemoryError.class, () -> pool.run((unit, worker) -> {
                    active.incrementAndGet();
                    Thread.yield();
                    active.decrementAndGet();
                }, 1000));
                int now = active.get();
                assertEquals(0, now, "units under way after run " + i);
            }
        }
    }

    @Test
    void resultsAreThoseOfOneThread() {
        AttentionSpec spec = AttentionSpec.builder().numQoHeads(8).numKvHeads(2).headDim(64)
                .dtype(DataType.BF16).pageSize(16).causal().build();
        Request request = RequestBuilder.of(spec).qoLens(1, 9).kvLens(1500, 700).seed(11).build();
        try (Opened one = new Opened(1); ExecutorService two = Executors.newFixedThreadPool(2)) {
            Output wanted = one.run(request);
            Queue<Runnable> never = new ArrayDeque<>();
            Executor rejecting = task -> {
                throw new RejectedExecutionException("full");
            };
            for (Executor executor : new Executor[]{two, Runnable::run, never::add, rejecting}) {
                try (Opened opened = new Opened(WORKERS, executor)) {
                    for (int i = 0; i < 5; i++) {
                        assertEquals("", wanted.firstDifference(opened.run(request)));
                    }
                }
            }
        }
    }
}
