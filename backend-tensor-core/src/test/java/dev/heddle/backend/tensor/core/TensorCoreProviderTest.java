package dev.heddle.backend.tensor.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.ProviderCheck;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanRequest;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class TensorCoreProviderTest {
    private static final MemorySpaceId CUDA = new MemorySpaceId("cuda", 0);
    private static final BatchShape DECODE =
            BatchShape.decode(PageTable.of(16, 1, new int[]{0, 1}, new int[]{0}, new int[]{10}));

    private final AttentionBackendProvider provider = new TensorCoreBackendProvider();

    private static AttentionSpecBuilder spec(int group) {
        return AttentionSpec.builder().numQoHeads(2 * group).numKvHeads(2).headDim(128).dtype(DataType.BF16)
                .pageSize(16);
    }

    private List<Rejection> evaluate(AttentionSpec spec) {
        return provider.capabilities().evaluate(provider.id(), spec, DECODE, PlanOptions.in(CUDA))
                .rejections();
    }

    private void refused(AttentionSpec spec, Dimension dimension, String... words) {
        List<Rejection> rejections = evaluate(spec);
        assertEquals(List.of(dimension), rejections.stream().map(Rejection::dimension).toList());
        String message = rejections.getFirst().message();
        for (String word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
    }

    @Test
    void providerIsFoundAndWellFormed() {
        assertEquals(1, ServiceLoader.load(AttentionBackendProvider.class).stream()
                .filter(found -> found.type() == TensorCoreBackendProvider.class).count());
        assertEquals(List.of(), ProviderCheck.check(provider));
        assertEquals("tensor-core", provider.id());
    }

    @Test
    void everyGroupSizeRunsInBothTypes() {
        for (int group = 1; group <= 128; group++) {
            assertEquals(List.of(), evaluate(spec(group).build()));
            assertEquals(List.of(), evaluate(spec(group).dtype(DataType.F16).build()));
        }
        refused(spec(129).build(), Dimension.GROUP_SIZE, "129 requested", "128 allowed");
    }

    @Test
    void whatTheMatrixInstructionDoesNotTakeIsRefusedWithWhatIsAllowed() {
        refused(spec(7).dtype(DataType.F32).build(), Dimension.DTYPE, "f32", "bf16");
        refused(spec(7).kvDtype(DataType.F16).build(), Dimension.DTYPE, "f16", "bf16");
        for (DataType kv : List.of(DataType.FP8_E4M3, DataType.FP8_E5M2, DataType.INT8)) {
            assertEquals(List.of(), evaluate(spec(7).kvDtype(kv).build()));
        }
        refused(spec(7).headDim(72).build(), Dimension.HEAD_DIM, "72", "16");
        assertEquals(List.of(), evaluate(spec(7).headDim(192, 128).build()));
    }

    @Test
    void plannerReportsItAndRefusesWithItsReason() {
        try (Heddle heddle = Heddle.builder().providers(List.of(provider)).open()) {
            BackendReport report = heddle.backends().getFirst();
            assertEquals(provider.capabilities(), report.capabilities());
            if (provider.probe() instanceof Availability.Unavailable(List<Rejection> reasons)) {
                assertEquals(BackendReport.Status.UNAVAILABLE, report.status());
                UnsupportedRequestException e = assertThrows(UnsupportedRequestException.class,
                        () -> heddle.plan(spec(7).build(), DECODE, PlanRequest.pin("tensor-core")));
                assertTrue(e.getMessage().contains(reasons.getFirst().message()), e.getMessage());
            } else {
                assertEquals(BackendReport.Status.AVAILABLE, report.status());
            }
        }
    }
}
