package dev.heddle.backend.cuda.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.capability.UnsupportedRequestException;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.session.OwnedContext;
import dev.heddle.core.session.ProviderCheck;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.cuda.CudaDevice;
import dev.heddle.cuda.CudaDriver;
import dev.heddle.planner.BackendReport;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanRequest;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class CudaCoreProviderTest {
    private static final MemorySpaceId CUDA = new MemorySpaceId("cuda", 0);

    private final AttentionBackendProvider provider = new CudaCoreBackendProvider();

    private List<Rejection> evaluate(AttentionSpec spec, BatchShape batch) {
        return provider.capabilities().evaluate(provider.id(), spec, batch, PlanOptions.in(CUDA))
                .rejections();
    }

    private static void refused(List<Rejection> rejections, Dimension dimension, String... words) {
        assertEquals(List.of(dimension), rejections.stream().map(Rejection::dimension).toList());
        String message = rejections.getFirst().message();
        for (String word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
    }

    @Test
    void providerIsFoundAndWellFormed() {
        assertEquals(1, ServiceLoader.load(AttentionBackendProvider.class).stream()
                .filter(found -> found.type() == CudaCoreBackendProvider.class).count());
        assertEquals(List.of(), ProviderCheck.check(provider));
        assertEquals("cuda-core", provider.id());
    }

    @Test
    void everyGroupSizeRunsAndTheNextIsRefusedWithWhatIsAllowed() {
        for (int group = 1; group <= 128; group++) {
            assertEquals(List.of(), evaluate(Specs.of(2, group).build(), Specs.decode(10)));
        }
        refused(evaluate(Specs.of(2, 129).build(), Specs.decode(10)), Dimension.GROUP_SIZE, "cuda-core",
                "group size 129 requested", "128 allowed");
    }

    @Test
    void headDimsBeyondTheDeclarationAreRefusedWithWhatIsAllowed() {
        assertEquals(List.of(), evaluate(Specs.of(2, 7).headDim(192, 128).build(), Specs.decode(10)));
        refused(evaluate(Specs.of(2, 7).headDim(264).build(), Specs.decode(10)), Dimension.HEAD_DIM, "264",
                "256");
        refused(evaluate(Specs.of(2, 7).headDim(60).build(), Specs.decode(10)), Dimension.HEAD_DIM, "60",
                "8");
    }

    @Test
    void anyPageSizeRunsWhileTheMemoryMustBeTheDevices() {
        for (int pageSize : new int[]{1, 7, 16, 100, 4096}) {
            AttentionSpec spec = Specs.of(2, 7).pageSize(pageSize).build();
            BatchShape batch = BatchShape
                    .decode(PageTable.of(pageSize, 1, new int[]{0, 1}, new int[]{0}, new int[]{pageSize}));
            assertEquals(List.of(), evaluate(spec, batch));
        }
        refused(provider.capabilities()
                .evaluate("cuda-core", Specs.of(2, 7).build(), Specs.decode(10), PlanOptions.DEFAULT)
                .rejections(),
                Dimension.MEMORY_SPACE, "host requested", "cuda");
    }

    @Test
    void keysAndValuesOfTwoTypesAreRefusedWithWhatIsAllowed() {
        for (DataType kv : DataType.values()) {
            assertEquals(List.of(), evaluate(Specs.of(2, 7).kvDtype(kv).build(), Specs.decode(10)));
        }
        refused(evaluate(Specs.of(2, 7).kvDtype(DataType.F16, DataType.BF16).build(), Specs.decode(10)),
                Dimension.DTYPE, "bf16/f16/bf16/bf16", "bf16/f16/f16/bf16");
    }

    @Test
    void longAppendsAreRefusedWithEveryOtherReason() {
        refused(evaluate(Specs.of(2, 7).build(), Specs.batch(new int[]{65}, 100)), Dimension.QO_LEN, "65",
                "64");
        List<Rejection> reasons =
                evaluate(Specs.of(2, 129).headDim(12).build(), Specs.batch(new int[]{65}, 100));
        assertEquals(Set.of(Dimension.QO_LEN, Dimension.GROUP_SIZE, Dimension.HEAD_DIM),
                reasons.stream().map(Rejection::dimension).collect(Collectors.toSet()), reasons::toString);
        assertEquals(List.of(), evaluate(Specs.of(2, 7).causal().build(), Specs.batch(new int[]{64}, 100)));
    }

    @Test
    void probeSaysWhatTheDriverSays() {
        switch (CudaDriver.probe()) {
            case CudaDriver.Probe.Found(List<CudaDevice> devices) -> {
                List<DeviceInfo> fit = devices.stream().filter(d -> d.computeCapability() >= 80)
                        .map(CudaDevice::info).toList();
                if (fit.isEmpty()) {
                    assertEquals(devices.size(),
                            assertInstanceOf(Availability.Unavailable.class, provider.probe()).rejections()
                                    .size());
                } else {
                    assertEquals(new Availability.Available(fit), provider.probe());
                }
            }
            case CudaDriver.Probe.Absent(String problem, String remedy, Throwable cause) -> {
                var unavailable = assertInstanceOf(Availability.Unavailable.class, provider.probe());
                Rejection reason = unavailable.rejections().getFirst();
                assertEquals(RejectionCode.DEVICE_UNAVAILABLE, reason.code());
                assertEquals("cuda-core: " + problem + "; " + remedy, reason.message());
                assertEquals(cause == null, reason.cause() == null);
            }
        }
    }

    @Test
    void openingGivesTheDevicesMemoryOrSaysWhatIsMissing() {
        DeviceInfo none = new DeviceInfo(CUDA, "?", "sm_90", 1, "?");
        try (OwnedContext context = OwnedContext.ofDefaults()) {
            switch (provider.probe()) {
                case Availability.Available(List<DeviceInfo> devices) -> {
                    try (AttentionBackend backend = provider.open(context.forDevice(devices.getFirst()))) {
                        assertEquals(devices.getFirst().space(), backend.memorySpace().id());
                    }
                }
                case Availability.Unavailable(List<Rejection> reasons) -> {
                    String message = assertThrows(IllegalStateException.class,
                            () -> provider.open(context.forDevice(none))).getMessage();
                    assertEquals(reasons.getFirst().message(), "cuda-core: " + message);
                }
            }
        }
    }

    @Test
    void plannerReportsItAndRefusesWithItsReason() {
        try (Heddle heddle = Heddle.builder().providers(List.of(provider)).open()) {
            BackendReport report = heddle.backends().getFirst();
            assertEquals("cuda-core", report.id());
            assertEquals(provider.capabilities(), report.capabilities());
            if (provider.probe() instanceof Availability.Unavailable(List<Rejection> reasons)) {
                assertEquals(BackendReport.Status.UNAVAILABLE, report.status());
                assertEquals(reasons.getFirst().message(), report.rejections().getFirst().message());
                UnsupportedRequestException e = assertThrows(UnsupportedRequestException.class,
                        () -> heddle.plan(Specs.of(4, 7).build(), Specs.decode(100),
                                PlanRequest.pin("cuda-core")));
                assertTrue(e.getMessage().contains(reasons.getFirst().message()), e.getMessage());
            } else {
                assertEquals(BackendReport.Status.AVAILABLE, report.status());
                assertEquals(List.of(), report.rejections());
            }
        }
    }
}
