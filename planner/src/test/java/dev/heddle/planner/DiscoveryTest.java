package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpaceId;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiscoveryTest {
    /** A provider as ServiceLoader wants it. */
    public static final class Good implements AttentionBackendProvider {
        private final FakeBackend fake = new FakeBackend("good");

        @Override
        public String id() {
            return fake.id();
        }

        @Override
        public Capabilities capabilities() {
            return fake.capabilities();
        }

        @Override
        public AttentionBackend open(BackendContext context) {
            return fake.open(context);
        }
    }

    /** A provider that cannot be made. */
    public static final class Throwing implements AttentionBackendProvider {
        public Throwing() {
            throw new IllegalArgumentException("outer",
                    new UnsatisfiedLinkError("libthrowing.so is missing"));
        }

        @Override
        public String id() {
            return "throwing";
        }

        @Override
        public Capabilities capabilities() {
            return FakeBackend.DECODE;
        }

        @Override
        public AttentionBackend open(BackendContext context) {
            throw new UnsupportedOperationException("never made");
        }
    }

    private static URLClassLoader loader(Path directory, String... classes) throws IOException {
        Path services = Files.createDirectories(directory.resolve("META-INF/services"));
        Files.write(services.resolve(AttentionBackendProvider.class.getName()), List.of(classes));
        return new URLClassLoader(new URL[]{directory.toUri().toURL()}, DiscoveryTest.class.getClassLoader());
    }

    private static BackendReport only(Heddle heddle) {
        assertEquals(1, heddle.backends().size(), () -> heddle.backends().toString());
        return heddle.backends().getFirst();
    }

    private static Rejection broken(Heddle heddle) {
        BackendReport report = only(heddle);
        assertEquals(BackendReport.Status.BROKEN, report.status());
        assertEquals(1, report.rejections().size());
        assertEquals(Phase.DISCOVERY, report.rejections().getFirst().phase());
        return report.rejections().getFirst();
    }

    @Test
    void brokenProvidersDoNotHideTheGoodOne(@TempDir Path directory) throws IOException {
        try (URLClassLoader loader = loader(directory, "com.example.Missing", Throwing.class.getName(),
                DiscoveryTest.class.getName(), Good.class.getName());
                Heddle heddle = Heddle.builder().classLoader(loader).open()) {
            List<BackendReport> reports = heddle.backends();
            assertEquals(List.of("com.example.Missing", Throwing.class.getName(),
                    DiscoveryTest.class.getName(), "good"),
                    reports.stream().map(BackendReport::id).toList());
            for (BackendReport report : reports.subList(0, 3)) {
                assertEquals(BackendReport.Status.BROKEN, report.status());
                assertEquals(RejectionCode.PROVIDER_FAILED, report.rejections().getFirst().code());
            }
            assertTrue(reports.get(0).rejections().getFirst().message()
                    .contains("com.example.Missing not found"));
            Rejection thrown = reports.get(1).rejections().getFirst();
            assertInstanceOf(UnsatisfiedLinkError.class, thrown.cause());
            assertTrue(thrown.message().contains("libthrowing.so is missing"), thrown.message());
            assertEquals(BackendReport.Status.AVAILABLE, reports.get(3).status());
            try (AttentionPlan plan = heddle.plan(Layer.SPEC, Layer.batch(3))) {
                assertEquals("good", plan.backendId());
            }
        }
    }

    @Test
    void duplicateIdsAreBothBrokenAndNameBoth() {
        try (Heddle heddle = Layer.open(new FakeBackend("good"), new Good(), new FakeBackend("other"))) {
            List<BackendReport> reports = heddle.backends();
            assertEquals(List.of("good", "good", "other"), reports.stream().map(BackendReport::id).toList());
            for (BackendReport report : reports.subList(0, 2)) {
                assertEquals(BackendReport.Status.BROKEN, report.status());
                Rejection rejection = report.rejections().getFirst();
                assertEquals(RejectionCode.DUPLICATE_ID, rejection.code());
                assertTrue(rejection.message().contains(FakeBackend.class.getName())
                        && rejection.message().contains(Good.class.getName()), rejection.message());
            }
            assertEquals("other", heddle.explain(Layer.SPEC, Layer.batch(3)).chosen());
        }
    }

    @Test
    void badIdIsBroken() {
        try (Heddle heddle = Layer.open(new FakeBackend("Not An Id"))) {
            Rejection rejection = broken(heddle);
            assertEquals(RejectionCode.INVALID_ID, rejection.code());
            assertTrue(rejection.message().contains("'Not An Id'"), rejection.message());
        }
    }

    @Test
    void newerSpiIsBroken() {
        try (Heddle heddle = Layer.open(new FakeBackend("tomorrow").spiVersion(99))) {
            Rejection rejection = broken(heddle);
            assertEquals(RejectionCode.SPI_VERSION, rejection.code());
            assertEquals(Dimension.SPI_VERSION, rejection.dimension());
            assertEquals("99", rejection.requested());
            assertEquals("1..1", rejection.allowed());
            assertTrue(rejection.message().startsWith("tomorrow was built for SPI version 99"),
                    rejection.message());
        }
    }

    @Test
    void throwingDeclarationIsBroken() {
        try (Heddle heddle = Layer.open(new FakeBackend("mute").failing(FakeBackend.At.CAPABILITIES))) {
            Rejection rejection = broken(heddle);
            assertEquals(RejectionCode.PROVIDER_FAILED, rejection.code());
            assertInstanceOf(ArithmeticException.class, rejection.cause());
        }
    }

    @Test
    void throwingProbeIsBroken() {
        try (Heddle heddle = Layer.open(new FakeBackend("blind").failing(FakeBackend.At.PROBE))) {
            Rejection rejection = broken(heddle);
            assertEquals(RejectionCode.PROVIDER_FAILED, rejection.code());
            assertEquals(Dimension.DEVICE, rejection.dimension());
            assertEquals("blind", only(heddle).id());
        }
    }

    @Test
    void probeThatReturnsNullIsBrokenAndHidesNobody() {
        try (Heddle heddle = Layer.open(new FakeBackend("careless").probes(null), new FakeBackend("fine"))) {
            assertEquals(List.of(BackendReport.Status.BROKEN, BackendReport.Status.AVAILABLE),
                    heddle.backends().stream().map(BackendReport::status).toList());
            assertTrue(heddle.backends().getFirst().rejections().getFirst().message().contains("null"));
        }
    }

    @Test
    void absentDeviceIsUnavailableWithItsReasons() {
        Rejection reason = Rejection.failure("gpu", RejectionCode.DEVICE_UNAVAILABLE, Phase.DISCOVERY,
                Dimension.DEVICE, "the driver was not found", "install it", null);
        FakeBackend gpu = new FakeBackend("gpu").probes(new Availability.Unavailable(List.of(reason)));
        try (Heddle heddle = Layer.open(gpu)) {
            BackendReport report = only(heddle);
            assertEquals(BackendReport.Status.UNAVAILABLE, report.status());
            assertEquals(List.of(reason), report.rejections());
            assertEquals(FakeBackend.DECODE, report.capabilities());
            assertNull(report.device());
            assertEquals("1.2.3", report.version());
        }
        assertEquals(0, gpu.opens.get());
    }

    @Test
    void furtherDevicesAreNamedByTheirSpace() {
        DeviceInfo first = new DeviceInfo(new MemorySpaceId("cuda", 0), "X", "sm_90", 1, "d");
        DeviceInfo second = new DeviceInfo(new MemorySpaceId("cuda", 1), "X", "sm_90", 1, "d");
        FakeBackend gpu = new FakeBackend("gpu").probes(new Availability.Available(List.of(first, second)));
        try (Heddle heddle = Layer.open(gpu)) {
            assertEquals(List.of("gpu", "gpu@cuda:1"),
                    heddle.backends().stream().map(BackendReport::id).toList());
            assertEquals(second, heddle.backends().get(1).device());
        }
    }

    @Test
    void describingABackendDoesNotOpenIt() {
        FakeBackend lazy = new FakeBackend("lazy");
        try (Heddle heddle = Layer.open(lazy)) {
            assertEquals(BackendReport.Status.AVAILABLE, only(heddle).status());
            assertEquals(0, lazy.opens.get());
        }
        assertEquals(0, lazy.closes.get());
    }
}
