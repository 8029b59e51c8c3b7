package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class PlanLifeTest {
    private static final BatchShape BATCH = Layer.batch(3, 6);
    private static final int RUNS = 500;

    @Test
    void steadyStateRunAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertTrue(threads.isThreadAllocatedMemorySupported());
        threads.setThreadAllocatedMemoryEnabled(true);
        try (Heddle heddle = Layer.open(new FakeBackend("fake")); Layer layer = new Layer(heddle, BATCH, 7);
                AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            long least = Long.MAX_VALUE;
            // Interpreted and half-compiled code may allocate; what counts is where it settles.
            for (int window = 0; window < 60 && least > 0; window++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < RUNS; i++) {
                    plan.run(layer.q, layer.kv(), layer.out, layer.lse);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertEquals(0, least, "bytes allocated by " + RUNS + " runs");
        }
    }

    @Test
    void replanTakesAFittingBatchOnly() {
        BatchShape longer = Layer.batch(4, 7);
        try (Heddle heddle = Layer.open(new FakeBackend("fake")); Layer layer = new Layer(heddle, longer, 8);
                AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            assertTrue(plan.replan(longer));
            assertEquals(longer, plan.batch());
            layer.run(plan);
            assertTrue(layer.error() < 1e-5, () -> "error " + layer.error());
            assertFalse(plan.replan(Layer.batch(4, 7, 9)));
            assertEquals(longer, plan.batch());
            assertEquals(2, plan.schedule().workUnits());
            assertEquals(Layer.SPEC, plan.spec());
        }
    }

    @Test
    void closedPlanRefusesWork() {
        FakeBackend fake = new FakeBackend("fake");
        try (Heddle heddle = Layer.open(fake); Layer layer = new Layer(heddle, BATCH, 9)) {
            AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH);
            plan.close();
            plan.close();
            for (Executable use : List.<Executable>of(() -> layer.run(plan), plan::queue, plan::schedule,
                    () -> plan.replan(BATCH))) {
                String message = assertThrows(IllegalStateException.class, use).getMessage();
                assertTrue(message.contains("closed"), message);
            }
            assertEquals(0, fake.runs.get());
        }
    }

    @Test
    void closedHeddleRefusesWork() {
        FakeBackend fake = new FakeBackend("fake");
        Heddle heddle = Layer.open(fake);
        Layer layer = new Layer(heddle, BATCH, 10);
        AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH);
        Tensor tensor = heddle.allocate(DataType.F32, 4);
        heddle.close();
        heddle.close();
        assertEquals(1, fake.closes.get());
        assertFalse(tensor.buffer().isOpen());
        for (Executable use : List.<Executable>of(() -> heddle.plan(Layer.SPEC, BATCH),
                () -> heddle.explain(Layer.SPEC, BATCH), heddle::memorySpace,
                () -> heddle.allocate(DataType.F32, 1), () -> heddle.allocateKvCache(Layer.SPEC, 1, 1),
                () -> heddle.calibrate("fake", share -> {}), () -> layer.run(plan))) {
            String message = assertThrows(IllegalStateException.class, use).getMessage();
            assertTrue(message.contains("closed"), message);
        }
        assertEquals(0, fake.runs.get());
        assertDoesNotThrow(plan::close);
        assertDoesNotThrow(layer::close);
    }

    @Test
    void oneBackendsFailureToCloseLeavesNothingElseOpen() {
        FakeBackend clumsy = new FakeBackend("clumsy").failing(FakeBackend.At.CLOSE);
        FakeBackend tidy = new FakeBackend("tidy");
        Heddle heddle = Layer.open(clumsy, tidy);
        heddle.explain(Layer.SPEC, BATCH);
        Tensor tensor = heddle.allocate(DataType.F32, 4);
        heddle.close();
        assertEquals(1, clumsy.closes.get());
        assertEquals(1, tidy.closes.get());
        assertFalse(tensor.buffer().isOpen());
    }

    @Test
    void parallelismBelowOneIsRefused() {
        assertThrows(IllegalArgumentException.class,
                () -> Heddle.builder().providers(List.of()).parallelism(0).open());
    }

    @Test
    void twoInstancesShareNothing() {
        FakeBackend fake = new FakeBackend("fake");
        try (Heddle two = Layer.open(fake)) {
            try (Heddle one = Layer.open(fake)) {
                one.explain(Layer.SPEC, BATCH);
                two.explain(Layer.SPEC, BATCH);
                assertEquals(2, fake.opens.get());
            }
            two.plan(Layer.SPEC, BATCH).close();
        }
    }
}
