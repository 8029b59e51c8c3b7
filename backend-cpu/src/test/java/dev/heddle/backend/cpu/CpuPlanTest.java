package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostBuffer;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A plan's life: replanned, failed, shared, misused. */
class CpuPlanTest {
    private static AttentionSpec spec() {
        return AttentionSpec.builder().numQoHeads(4).numKvHeads(1).headDim(32).dtype(DataType.F32)
                .pageSize(16).strided().build();
    }

    private static Request request(long seed, int... kvLens) {
        return RequestBuilder.of(spec()).kvLens(kvLens).seed(seed).build();
    }

    /** Pages in order, so that the second half of a sequence lies in the cache's second segment. */
    private static Request inOrder(long seed) {
        int[] ids = new int[128];
        Arrays.setAll(ids, i -> i);
        return RequestBuilder.of(spec()).table(PageTable.of(16, 128, new int[]{0, 128}, ids, new int[]{16}))
                .seed(seed).build();
    }

    /** Chunks that were done before a failure must not count as those of the next run. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void aFailedRunLeavesNothingToTheNext(int parallelism) {
        Request first = inOrder(1);
        Request second = inOrder(2);
        // Memory that only the thread of another arena may read: chunks 2 and 3 of 4 fail, 0 and 1 do not.
        ExecutorService owner = Executors.newSingleThreadExecutor();
        try (owner; Opened opened = new Opened(parallelism)) {
            Output wanted = opened.run(second);
            Arena foreign = owner.submit(Arena::ofConfined).get();
            Request broken = first.withKv(owner.submit(() -> withSecondSegmentIn(foreign, first)).get());
            try (Placed placed = opened.place(second); SessionPlan plan = opened.plan(second)) {
                assertEquals(4, plan.schedule().workUnits());
                for (int i = 0; i < 20; i++) {
                    BackendFailureException thrown = assertThrows(BackendFailureException.class,
                            () -> plan.run(broken.q(), broken.kv(), placed.out(), placed.lse()));
                    assertInstanceOf(WrongThreadException.class, thrown.getCause());
                    placed.poison();
                    Opened.run(plan, placed);
                    assertEquals("", wanted.firstDifference(placed.read()), "run after failure " + i);
                }
            }
            owner.submit(foreign::close).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private static KvCacheView withSecondSegmentIn(Arena arena, Request request) {
        KvCacheView kv = request.kv();
        List<Buffer> keys = new ArrayList<>(kv.k().segments());
        MemorySegment old = HostTensors.segment(keys.get(1));
        MemorySegment copy = arena.allocate(old.byteSize(), 64);
        copy.copyFrom(old);
        keys.set(1, HostBuffer.wrap(copy));
        return KvCacheView.builder(request.spec(), kv.k().pagesPerSegment())
                .k(keys, kv.k().byteOffset(), kv.k().strides())
                .v(kv.v().segments(), kv.v().byteOffset(), kv.v().strides())
                .scales(kv.scales()).build();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void aReplannedPlanGivesWhatAFreshOneGives(int parallelism) {
        int[][] batches =
                {{1500}, {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, {2100, 0}, {1}, {700}};
        try (Opened opened = new Opened(parallelism);
                SessionPlan plan = opened.plan(request(0, 40))) {
            for (int[] kvLens : batches) {
                Request request = request(kvLens.length, kvLens);
                Output wanted = opened.run(request);
                assertTrue(plan.replan(request.batch()));
                try (Placed placed = opened.place(request)) {
                    Opened.run(plan, placed);
                    assertEquals("", wanted.firstDifference(placed.read()), Arrays.toString(kvLens));
                }
            }
        }
    }

    @Test
    void forcedSplitsAreMadeAndChangeNothingButRounding() {
        Request request = request(3, 1000, 30);
        try (Opened opened = new Opened(4)) {
            Output whole = opened.run(request, PlanOptions.DEFAULT.withKvSplits(1));
            for (int splits : new int[]{2, 3, 7, 40}) {
                PlanOptions options = PlanOptions.DEFAULT.withKvSplits(splits);
                try (SessionPlan plan = opened.session().plan(request.spec(), request.batch(), options)) {
                    assertEquals(splits, plan.schedule().maxKvSplits());
                    assertTrue(plan.schedule().workspaceBytes() > 0);
                }
                Output cut = opened.run(request, options);
                for (int i = 0; i < whole.out().length; i++) {
                    assertEquals(whole.out()[i], cut.out()[i], 1e-5, splits + " splits, element " + i);
                }
            }
        }
    }

    @Test
    void plansOfSeveralThreadsDoNotDisturbEachOther() throws InterruptedException {
        Request[] requests = {request(4, 1500), request(5, 9, 700), request(6, 60), request(7, 1200, 3, 0)};
        List<String> failures = Collections.synchronizedList(new ArrayList<>());
        try (Opened opened = new Opened(3)) {
            List<Thread> threads = new ArrayList<>();
            for (Request request : requests) {
                Output wanted = opened.run(request);
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < 100; i++) {
                        failures.add(wanted.firstDifference(opened.run(request)));
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertEquals(400, failures.size());
        failures.removeIf(String::isEmpty);
        assertEquals(List.of(), failures);
    }

    @Test
    void wrongArgumentsAreNamedAndNothingIsWritten() {
        Request request = request(8, 20, 30);
        try (Opened opened = new Opened(2); Placed placed = opened.place(request);
                SessionPlan plan = opened.plan(request)) {
            Output before = placed.read();
            Tensor half = Tensor.of(HostBuffer.wrap(new short[2 * 4 * 32]), DataType.BF16, 2, 4, 32);
            Tensor few = Tensor.of(new float[4 * 32], 1, 4, 32);
            assertSays("q must be f32[2, 4, 32]", IllegalArgumentException.class,
                    () -> plan.run(half, placed.kv(), placed.out(), placed.lse()));
            assertSays("q must be f32[2, 4, 32]", IllegalArgumentException.class,
                    () -> plan.run(few, placed.kv(), placed.out(), placed.lse()));
            assertSays("out must be f32[2, 4, 32]", IllegalArgumentException.class,
                    () -> plan.run(placed.q(), placed.kv(), half, placed.lse()));
            assertSays("the spec has LSE", IllegalArgumentException.class,
                    () -> plan.run(placed.q(), placed.kv(), placed.out(), null));
            assertSays("KV cache must have at least", IllegalArgumentException.class,
                    () -> plan.run(placed.q(), request(8, 1).kv(), placed.out(), placed.lse()));
            assertEquals("", before.firstDifference(placed.read()), "outputs are still poisoned");
        }
    }

    @Test
    void closedPlansAndSessionsSaySo() {
        Request request = request(9, 20);
        try (Opened opened = new Opened(2); Placed placed = opened.place(request)) {
            SessionPlan closed = opened.plan(request);
            closed.close();
            closed.close();
            assertSays("is closed", IllegalStateException.class, () -> Opened.run(closed, placed));
            SessionPlan orphan = opened.plan(request);
            opened.session().close();
            assertSays("is closed", IllegalStateException.class, () -> Opened.run(orphan, placed));
            assertSays("is closed", IllegalStateException.class, () -> opened.plan(request));
        }
    }

    private static void assertSays(String part, Class<? extends Exception> type, Executable misuse) {
        String message = assertThrows(type, misuse).getMessage();
        assertTrue(message.contains(part), message);
    }
}
