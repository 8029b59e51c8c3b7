package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.session.BackendFailureException;
import dev.heddle.core.spi.Availability;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class QuarantineTest {
    private static final BatchShape BATCH = Layer.batch(5, 9, 1);

    private final List<PlannerEvent> events = new ArrayList<>();
    private final FakeBackend fast = new FakeBackend("fast").costs(0.001, 1);
    private final FakeBackend slow = new FakeBackend("slow").costs(1, 100);

    private Heddle open(FakeBackend... providers) {
        return Heddle.builder().providers(List.of(providers)).listener(events::add).open();
    }

    private Rejection quarantined(int at, String id) {
        PlannerEvent.Quarantined event = assertInstanceOf(PlannerEvent.Quarantined.class, events.get(at));
        assertEquals(id, event.backend());
        return event.rejection();
    }

    private static BackendReport.Status status(Heddle heddle, String id) {
        return heddle.backends().stream().filter(r -> r.id().equals(id)).findFirst().orElseThrow().status();
    }

    @Test
    void failedRunIsRunAgainOnTheNextBackend() {
        try (Heddle heddle = open(fast, slow); Layer layer = new Layer(heddle, BATCH, 1);
                AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            layer.run(plan);
            assertEquals("fast", plan.backendId());
            assertTrue(layer.error() < 1e-5, () -> "error " + layer.error());
            fast.failing(FakeBackend.At.RUN);
            layer.run(plan);
            assertEquals("slow", plan.backendId());
            assertTrue(layer.error() < 1e-5, () -> "error " + layer.error());

            assertEquals(2, events.size(), events::toString);
            Rejection rejection = quarantined(0, "fast");
            assertEquals(RejectionCode.QUARANTINED, rejection.code());
            assertTrue(
                    rejection.message().contains("phase RUN") && rejection.message().contains("fails at RUN"),
                    rejection.message());
            assertEquals(new PlannerEvent.Recovered("fast", "slow"), events.get(1));

            assertEquals("slow", heddle.explain(Layer.SPEC, BATCH).chosen());
            assertEquals(BackendReport.Status.UNAVAILABLE, status(heddle, "fast"));
            try (AttentionPlan later = heddle.plan(Layer.SPEC, BATCH)) {
                assertEquals("slow", later.backendId());
                layer.run(later);
            }
            assertEquals(2, fast.runs.get(), "no run after the failure");
        }
    }

    @Test
    void everyPlanOfAFailedBackendMoves() {
        try (Heddle heddle = open(fast, slow); Layer layer = new Layer(heddle, BATCH, 2);
                AttentionPlan one = heddle.plan(Layer.SPEC, BATCH);
                AttentionPlan two = heddle.plan(Layer.SPEC, BATCH)) {
            fast.failing(FakeBackend.At.RUN);
            layer.run(one);
            layer.run(two);
            assertEquals("slow", two.backendId());
            assertTrue(layer.error() < 1e-5, () -> "error " + layer.error());
        }
    }

    @Test
    void clearedBackendIsChosenAgain() {
        try (Heddle heddle = open(fast, slow); Layer layer = new Layer(heddle, BATCH, 3);
                AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            fast.failing(FakeBackend.At.RUN);
            layer.run(plan);
            fast.failing.clear();
            heddle.clearQuarantine("fast");
            assertEquals(BackendReport.Status.AVAILABLE, status(heddle, "fast"));
            assertEquals("fast", heddle.explain(Layer.SPEC, BATCH).chosen());
        }
    }

    @Test
    void pinnedFailureIsThrownNotMoved() {
        try (Heddle heddle = open(fast, slow); Layer layer = new Layer(heddle, BATCH, 4);
                AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH, PlanRequest.pin("fast"))) {
            fast.failing(FakeBackend.At.RUN);
            BackendFailureException e = assertThrows(BackendFailureException.class, () -> layer.run(plan));
            assertEquals("fast", e.backendId());
            assertEquals(Phase.RUN, e.phase());
            assertInstanceOf(ArithmeticException.class, e.getCause());
            assertEquals(0, slow.plans.get());
            assertEquals(1, events.size());
            assertSame(e, quarantined(0, "fast").cause());
            UnsupportedRequestException again = assertThrows(UnsupportedRequestException.class,
                    () -> heddle.plan(Layer.SPEC, BATCH, PlanRequest.pin("fast")));
            assertEquals(RejectionCode.QUARANTINED, again.rejections().getFirst().code());
        }
    }

    @Test
    void failedPlanIsMadeByTheNextBackend() {
        fast.failing(FakeBackend.At.PLAN);
        try (Heddle heddle = open(fast, slow); AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            assertEquals("slow", plan.backendId());
            assertEquals(RejectionCode.QUARANTINED, quarantined(0, "fast").code());
            assertEquals(1, events.size());
        }
        events.clear();
        try (Heddle heddle = open(fast, slow)) {
            assertEquals(Phase.PLAN, assertThrows(BackendFailureException.class,
                    () -> heddle.plan(Layer.SPEC, BATCH, PlanRequest.pin("fast"))).phase());
        }
    }

    @Test
    void failureToOpenIsAReasonAndToldToTheListener() {
        fast.failing(FakeBackend.At.OPEN);
        try (Heddle heddle = open(fast, slow); AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            assertEquals("slow", plan.backendId());
            Rejection rejection = plan.explain().rejections().getFirst();
            assertEquals(RejectionCode.OPEN_FAILED, rejection.code());
            assertTrue(rejection.message().contains("libfake.so not found"), rejection.message());
            assertEquals(rejection, quarantined(0, "fast"));
            assertEquals(1, events.size());
            fast.failing.clear();
            heddle.clearQuarantine("fast");
            assertEquals("fast", heddle.explain(Layer.SPEC, BATCH).chosen());
        }
    }

    @Test
    void failureToRefineSetsABackendAside() {
        fast.failing(FakeBackend.At.REFINE);
        try (Heddle heddle = open(fast, slow)) {
            PlanReport report = heddle.explain(Layer.SPEC, BATCH);
            assertEquals("slow", report.chosen());
            assertEquals(RejectionCode.QUARANTINED, report.rejections().getFirst().code());
            assertTrue(quarantined(0, "fast").message().contains("phase REFINE"));
        }
    }

    @Test
    void whenNoneIsLeftEveryBackendIsListedWithItsReason() {
        FakeBackend narrow = new FakeBackend("narrow")
                .capabilities(FakeBackend.DECODE.toBuilder().groupSizes(IntSet.of(1)).build());
        FakeBackend absent = new FakeBackend("absent").probes(new Availability.Unavailable(List.of(
                Rejection.failure("absent", RejectionCode.DEVICE_UNAVAILABLE, Phase.DISCOVERY,
                        Dimension.DEVICE,
                        "no device", "", null))));
        FakeBackend newer = new FakeBackend("newer").spiVersion(2);
        slow.failing(FakeBackend.At.PLAN);
        try (Heddle heddle = open(fast, slow, narrow, absent, newer);
                Layer layer = new Layer(heddle, BATCH, 5);
                AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            fast.failing(FakeBackend.At.RUN);
            UnsupportedRequestException e =
                    assertThrows(UnsupportedRequestException.class, () -> layer.run(plan));
            assertEquals(List.of("absent:DEVICE_UNAVAILABLE", "fast:QUARANTINED", "narrow:UNSUPPORTED_VALUE",
                    "newer:SPI_VERSION", "slow:QUARANTINED"),
                    e.rejections().stream().map(r -> r.backendId() + ":" + r.code()).sorted().toList());
            for (String id : List.of("fast", "slow", "narrow", "absent", "newer")) {
                assertTrue(e.getMessage().contains("\n  " + id), e.getMessage());
            }
            assertEquals(heddle.explain(Layer.SPEC, BATCH).rejections(), e.rejections());
        }
    }

    @Test
    void callersMistakeIsNoReasonToQuarantine() {
        try (Heddle heddle = open(fast, slow); Layer layer = new Layer(heddle, BATCH, 6);
                AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH)) {
            assertThrows(IllegalArgumentException.class,
                    () -> plan.run(layer.q, layer.kv(), layer.out, null));
            assertEquals("fast", plan.backendId());
            assertEquals(List.of(), events);
            assertEquals(0, fast.runs.get());
        }
    }
}
