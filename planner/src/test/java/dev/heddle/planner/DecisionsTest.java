package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.planner.Decisions.ShapeClass;
import java.util.List;
import org.junit.jupiter.api.Test;

class DecisionsTest {
    /** Cheap to start, dear by the byte: 64 tokens cost 8193 µs, 127 tokens 16257 µs. */
    private static FakeBackend nimble() {
        return new FakeBackend("nimble").costs(1, 1);
    }

    /** Costs 12000 µs whatever the length. */
    private static FakeBackend strong() {
        return new FakeBackend("strong").costs(1e-9, 12000);
    }

    private static String plan(Heddle heddle, int kvLen) {
        try (AttentionPlan plan = heddle.plan(Layer.SPEC, Layer.batch(kvLen))) {
            assertEquals(plan.backendId(), heddle.explain(Layer.SPEC, Layer.batch(kvLen)).chosen());
            return plan.backendId();
        }
    }

    @Test
    void choiceIsKeptWithinAShapeClass() {
        try (Heddle fresh = Layer.open(nimble(), strong())) {
            assertEquals("strong", plan(fresh, 127));
            assertEquals("strong", plan(fresh, 64), "kept");
        }
        try (Heddle heddle = Layer.open(nimble(), strong())) {
            assertEquals("nimble", plan(heddle, 64));
            assertEquals("nimble", plan(heddle, 127), "kept");
            assertEquals("strong", plan(heddle, 128), "the next class is chosen anew");
        }
    }

    @Test
    void choiceOfAPinnedRequestIsItsOwn() {
        try (Heddle heddle = Layer.open(nimble(), strong())) {
            heddle.plan(Layer.SPEC, Layer.batch(64), PlanRequest.pin("strong")).close();
            assertEquals("nimble", plan(heddle, 64));
        }
    }

    @Test
    void clearedQuarantineForgetsChoices() {
        try (Heddle heddle = Layer.open(nimble(), strong())) {
            assertEquals("nimble", plan(heddle, 64));
            heddle.clearQuarantine("nimble");
            assertEquals("strong", plan(heddle, 127));
        }
    }

    @Test
    void batchesAlikeUpToAFactorOfTwoShareAClass() {
        assertEquals(shape(64), shape(127));
        assertEquals(false, shape(127).equals(shape(128)));
        assertEquals(false, shape(64).equals(ShapeClass.of(Layer.SPEC, Layer.batch(64), List.of("a"),
                PlanOptions.DEFAULT)));
        assertEquals(false, shape(64).equals(ShapeClass.of(Layer.SPEC, Layer.batch(64), List.of(),
                PlanOptions.DEFAULT.asPartial())));
    }

    private static ShapeClass shape(int kvLen) {
        return ShapeClass.of(Layer.SPEC, Layer.batch(kvLen), List.of(), PlanOptions.DEFAULT);
    }

    @Test
    void at256TheLeastRecentlyUsedIsForgotten() {
        BatchShape batch = Layer.batch(8);
        FakeBackend fake = new FakeBackend("fake");
        Decisions decisions = new Decisions();
        try (OwnedContext context = OwnedContext.ofDefaults();
                Backend backend =
                        new Backend(new Discovery.Usable("fake", fake, FakeBackend.DECODE, DeviceInfo.host(),
                                ""), context, new CalibrationStore(null), Backend::setAside)) {
            for (int i = 0; i < 1000; i++) {
                decisions.put(numbered(batch, i), backend);
                assertSame(backend, decisions.get(numbered(batch, 0)), "used all the time, so kept");
            }
            assertEquals(256, decisions.size());
            assertNull(decisions.get(numbered(batch, 1)));
            assertNull(decisions.get(numbered(batch, 744)));
            assertNotNull(decisions.get(numbered(batch, 745)));
            decisions.clear();
            assertEquals(0, decisions.size());
        }
    }

    private static ShapeClass numbered(BatchShape batch, int number) {
        return ShapeClass.of(Layer.SPEC, batch, List.of("b" + number), PlanOptions.DEFAULT);
    }
}
