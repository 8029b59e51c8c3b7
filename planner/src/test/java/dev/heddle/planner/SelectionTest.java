package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.IntSet;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SelectionTest {
    private static final BatchShape BATCH = Layer.batch(5, 9);

    private static String chosen(Heddle heddle, AttentionSpec spec, BatchShape batch) {
        String explained = heddle.explain(spec, batch).chosen();
        try (AttentionPlan plan = heddle.plan(spec, batch)) {
            assertEquals(plan.backendId(), explained, "explain before plan");
            assertEquals(plan.backendId(), heddle.explain(spec, batch).chosen(), "explain after plan");
            assertEquals(plan.backendId(), plan.explain().chosen(), "the plan's own explain");
            return plan.backendId();
        }
    }

    @Test
    void undeclaredGroupSizeIsNamedInTheFieldsWords() {
        FakeBackend fake = new FakeBackend("fake");
        try (Heddle heddle = Layer.open(fake)) {
            UnsupportedRequestException e = assertThrows(UnsupportedRequestException.class,
                    () -> heddle.plan(Layer.groupOf(7), BATCH));
            assertTrue(e.getMessage().contains("group size 7 requested, {1,2,3,4,8} allowed"),
                    e.getMessage());
            Rejection rejection = e.rejections().getFirst();
            assertEquals("group.size", rejection.dimension().id());
            assertEquals(Phase.CAPABILITY, rejection.phase());
            assertEquals(RejectionCode.UNSUPPORTED_VALUE, rejection.code());
            assertEquals(0, fake.opens.get(), "what is not declared must not open the device");
        }
    }

    @Test
    void everyFailingDimensionIsReportedAtOnce() {
        try (Heddle heddle = Layer.open(new FakeBackend("fake"))) {
            AttentionSpec spec = Layer.builder().numQoHeads(14).headDim(12).sinks(true).build();
            PlanReport report =
                    heddle.explain(spec, BATCH, PlanRequest.DEFAULT.with(PlanOptions.DEFAULT.forCapture()));
            assertNull(report.chosen());
            assertEquals(
                    Set.of(Dimension.GROUP_SIZE, Dimension.HEAD_DIM, Dimension.FEATURE, Dimension.CAPTURE),
                    report.rejections().stream().map(Rejection::dimension).collect(Collectors.toSet()));
        }
    }

    @Test
    void refineCanRefuseWhatIsDeclared() {
        try (Heddle heddle =
                Layer.open(new FakeBackend("full").refusing(), new FakeBackend("free").costs(99, 99))) {
            assertEquals("free", chosen(heddle, Layer.SPEC, BATCH));
            Rejection rejection = heddle.explain(Layer.SPEC, BATCH).rejections().getFirst();
            assertEquals(Phase.REFINE, rejection.phase());
            assertEquals(RejectionCode.RESOURCES, rejection.code());
        }
    }

    @Test
    void deviceInAnotherSpaceIsRefusedWithoutOpeningIt() {
        DeviceInfo device = new DeviceInfo(new MemorySpaceId("cuda", 0), "X", "sm_90", 1, "d");
        FakeBackend gpu = new FakeBackend("gpu").failing(FakeBackend.At.OPEN)
                .capabilities(FakeBackend.DECODE.toBuilder().memorySpaces("cuda", "host").build())
                .probes(new Availability.Available(List.of(device)));
        try (Heddle heddle = Heddle.builder().providers(List.of(gpu, new FakeBackend("cpu")))
                .memorySpace(MemorySpaceId.HOST).open()) {
            assertEquals("cpu", chosen(heddle, Layer.SPEC, BATCH));
            Rejection rejection = heddle.explain(Layer.SPEC, BATCH).rejections().getFirst();
            assertEquals(Dimension.MEMORY_SPACE, rejection.dimension());
            assertEquals(Phase.SELECTION, rejection.phase());
            assertEquals("host", rejection.requested());
            assertEquals("cuda:0", rejection.allowed());
        }
    }

    @Test
    void pinnedBackendRunsThoughAnotherIsFaster() {
        try (Heddle heddle =
                Layer.open(new FakeBackend("fast").costs(1, 1), new FakeBackend("slow").costs(9, 9))) {
            assertEquals("fast", chosen(heddle, Layer.SPEC, BATCH));
            try (AttentionPlan plan = heddle.plan(Layer.SPEC, BATCH, PlanRequest.pin("slow"))) {
                assertEquals("slow", plan.backendId());
                assertEquals("slow", plan.explain().chosen());
                Rejection rejection = plan.explain().rejections().getFirst();
                assertEquals("fast", rejection.backendId());
                assertEquals(RejectionCode.NOT_PINNED, rejection.code());
            }
        }
    }

    @Test
    void pinnedBackendThatCannotRunIsAnErrorWithItsReasonsOnly() {
        FakeBackend narrow = new FakeBackend("narrow")
                .capabilities(FakeBackend.DECODE.toBuilder().groupSizes(IntSet.of(1)).build());
        FakeBackend wide = new FakeBackend("wide");
        try (Heddle heddle = Layer.open(narrow, wide, new FakeBackend("Bad Id"))) {
            UnsupportedRequestException e = assertThrows(UnsupportedRequestException.class,
                    () -> heddle.plan(Layer.SPEC, BATCH, PlanRequest.pin("narrow")));
            assertEquals(List.of("narrow"), e.rejections().stream().map(Rejection::backendId).toList());
            assertEquals(Dimension.GROUP_SIZE, e.rejections().getFirst().dimension());
            assertTrue(e.getMessage().startsWith("backend narrow cannot run "), e.getMessage());
            assertNull(heddle.explain(Layer.SPEC, BATCH, PlanRequest.pin("narrow")).chosen());
            assertEquals(0, wide.plans.get());
        }
    }

    @Test
    void pinOfTheBuilderHoldsUnlessTheRequestPins() {
        try (Heddle heddle = Heddle.builder().providers(List.of(new FakeBackend("fast").costs(1, 1),
                new FakeBackend("slow").costs(9, 9))).backends("slow").open()) {
            assertEquals("slow", chosen(heddle, Layer.SPEC, BATCH));
            assertEquals("fast", heddle.explain(Layer.SPEC, BATCH, PlanRequest.pin("fast")).chosen());
        }
    }

    @Test
    void unknownIdListsTheKnownOnes() {
        try (Heddle heddle = Layer.open(new FakeBackend("one"), new FakeBackend("two"))) {
            UnknownBackendException e = assertThrows(UnknownBackendException.class,
                    () -> heddle.plan(Layer.SPEC, BATCH, PlanRequest.pin("three")));
            assertEquals("no backend 'three'; found: one, two", e.getMessage());
        }
        try (Heddle none = Layer.open()) {
            String message = assertThrows(UnknownBackendException.class,
                    () -> none.explain(Layer.SPEC, BATCH, PlanRequest.pin("x"))).getMessage();
            assertTrue(message.contains("found: none") && message.contains("class path"), message);
            String planning = assertThrows(UnsupportedRequestException.class,
                    () -> none.plan(Layer.SPEC, BATCH)).getMessage();
            assertTrue(planning.contains("no backend was found"), planning);
        }
    }

    @Test
    void theLowestEstimateWinsWhereverItIsFound() {
        FakeBackend nimble = new FakeBackend("nimble").costs(1, 1);
        FakeBackend strong = new FakeBackend("strong").costs(0.001, 1000);
        for (Heddle heddle : List.of(Layer.open(nimble, strong), Layer.open(strong, nimble))) {
            try (heddle) {
                assertEquals("nimble", chosen(heddle, Layer.SPEC, Layer.batch(2)));
                assertEquals("strong", chosen(heddle, Layer.SPEC, Layer.batch(2000)));
                PlanReport report = heddle.explain(Layer.SPEC, Layer.batch(2));
                Map<String, Double> estimates = report.candidates().stream().collect(Collectors.toMap(
                        PlanReport.Candidate::backend,
                        c -> c.estimateMicros() == null ? -1 : c.estimateMicros()));
                assertEquals(257, estimates.get("nimble"), 1e-6); // 2 tokens of 128 bytes at 1 µs, 1 µs of launch
                assertEquals(1000.256, estimates.get("strong"), 1e-6);
            }
        }
    }

    @Test
    void equalInputsGiveEqualChoicesEvenOnATie() {
        for (int i = 0; i < 20; i++) {
            try (Heddle heddle = Layer.open(new FakeBackend("first"), new FakeBackend("second"),
                    new FakeBackend("third"))) {
                assertEquals("first", chosen(heddle, Layer.SPEC, Layer.batch(1 + 7 * i)));
            }
        }
    }

    @Test
    void uselessConstantsDoNotMakeABackendIneligible() {
        CostProfile endless = new CostProfile(1, Map.of(), 1, 1, 1, Double.POSITIVE_INFINITY, 0, 0, 0, 0);
        CostProfile nothing = new CostProfile(1, Map.of(), 1, 1, 1, Double.NaN, 0, 0, 0, 0);
        try (Heddle heddle = Layer.open(new FakeBackend("endless").costs(endless))) {
            assertEquals("endless", chosen(heddle, Layer.SPEC, BATCH));
        }
        try (Heddle heddle = Layer.open(new FakeBackend("nothing").costs(nothing), new FakeBackend("sane"))) {
            assertEquals("sane", chosen(heddle, Layer.SPEC, BATCH));
        }
        try (Heddle heddle = Layer.open(new FakeBackend("silent").failing(FakeBackend.At.COST),
                new FakeBackend("sane").costs(0.01, 1))) {
            assertEquals("sane", chosen(heddle, Layer.SPEC, BATCH));
            assertTrue(heddle.explain(Layer.SPEC, BATCH).candidates().getFirst().eligible());
        }
    }

    @Test
    void requestOfTwoPageSizesIsTheCallersMistake() {
        BatchShape other = BatchShape.decode(PageTable.of(8, 1, new int[]{0, 1}, new int[]{0}, new int[]{3}));
        try (Heddle heddle = Layer.open(new FakeBackend("fake"))) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> heddle.plan(Layer.SPEC, other)).getMessage();
            assertTrue(message.contains("page_size 8") && message.contains("has 4"), message);
        }
    }

    @Test
    void tableShowsTheChoiceAndEveryReason() {
        FakeBackend narrow = new FakeBackend("narrow")
                .capabilities(FakeBackend.DECODE.toBuilder().groupSizes(IntSet.of(1)).build());
        try (Heddle heddle = Layer.open(new FakeBackend("wide"), narrow)) {
            String table = heddle.explain(Layer.SPEC, BATCH).toTable();
            assertTrue(table.contains("→ wide"), table);
            assertTrue(table.contains("group size 2 requested, {1} allowed"), table);
            assertFalse(table.contains("no backend can run this"), table);
            assertTrue(heddle.explain(Layer.groupOf(5), BATCH).toTable().endsWith("no backend can run this"));
        }
    }
}
