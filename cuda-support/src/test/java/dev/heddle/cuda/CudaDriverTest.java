package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.capability.Dimension;
import dev.heddle.core.capability.Phase;
import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.MemorySpaceId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CudaDriverTest {
    private static final CudaDevice NEW =
            new CudaDevice(0, "New", 90, 132, 50 << 20, 232_448, 233_472, 1L << 37, 12_080);
    private static final CudaDevice OLD =
            new CudaDevice(1, "Old", 75, 40, 4 << 20, 65_536, 65_536, 1L << 34, 12_080);

    @Test
    void probeSaysTheSameEveryTime() {
        switch (CudaDriver.probe()) {
            case CudaDriver.Probe.Found(List<CudaDevice> devices) -> {
                assertFalse(devices.isEmpty());
                for (int i = 0; i < devices.size(); i++) {
                    assertEquals(i, devices.get(i).ordinal());
                    assertFalse(devices.get(i).name().isBlank());
                    assertTrue(devices.get(i).multiprocessors() > 0);
                    assertTrue(devices.get(i).memoryBytes() > 0);
                    assertTrue(devices.get(i).driverVersion() >= 11_020);
                }
                assertEquals(new CudaDriver.Probe.Found(devices), CudaDriver.probe());
            }
            case CudaDriver.Probe.Absent(String problem, String remedy, Throwable cause) -> {
                assertTrue(problem.contains("NVIDIA driver"), problem);
                assertFalse(remedy.isBlank());
                // The second time the VM only knows that the binding's class is broken, in words that are cut short.
                var again = assertInstanceOf(CudaDriver.Probe.Absent.class, CudaDriver.probe());
                assertEquals(problem, again.problem());
                assertEquals(remedy, again.remedy());
                assertEquals(cause == null, again.cause() == null);
            }
        }
    }

    @Test
    void driverWithoutLibraryIsToldFromABindingForAnotherMachine() {
        LinkageError library = new UnsatisfiedLinkError("cannot load");
        library.initCause(new UnsatisfiedLinkError("libcuda.so.1: cannot open shared object file"));
        CudaDriver.Probe.Absent driver = CudaDriver.absent(library);
        assertEquals("the NVIDIA driver's library libcuda.so.1 was not found", driver.problem());
        assertEquals("install the NVIDIA driver, or run on a machine with an NVIDIA GPU", driver.remedy());
        assertSame(library, driver.cause());
        CudaDriver.Probe.Absent binding =
                CudaDriver.absent(new NoClassDefFoundError("jcuda/driver/JCudaDriver"));
        assertEquals(
                "the binding to the NVIDIA driver cannot be loaded on " + System.getProperty("os.name") + " "
                        + System.getProperty("os.arch"),
                binding.problem());
    }

    @Test
    void reasonIsTheSameHoweverDeepTheStackOfTheFirstLook() throws Exception {
        if (CudaDriver.probe() instanceof CudaDriver.Probe.Absent absent) {
            try (ChildVm vm = ChildVm.start(DeepLook.class, Map.of(), List.of())) {
                assertEquals(absent.problem() + "\n" + absent.problem(), vm.output());
            }
        }
    }

    /** Looks twice, the first time from far down. */
    static final class DeepLook {
        private DeepLook() {}

        public static void main(String[] arguments) {
            look(60);
            Look.main(arguments);
        }

        private static void look(int depth) {
            if (depth == 0) {
                Look.main(new String[0]);
            } else {
                look(depth - 1);
            }
        }
    }

    /** Prints what a look finds. */
    static final class Look {
        private Look() {}

        public static void main(String[] arguments) {
            System.out.println(CudaDriver.probe() instanceof CudaDriver.Probe.Absent absent ? absent.problem()
                    : "found");
        }
    }

    @Test
    void hiddenDevicesAreAsGoodAsNone() throws Exception {
        try (ChildVm vm = ChildVm.start(Look.class, Map.of("CUDA_VISIBLE_DEVICES", "-1"), List.of())) {
            String expected = CudaDriver.probe() instanceof CudaDriver.Probe.Absent absent ? absent.problem()
                    : "the NVIDIA driver sees no device";
            assertEquals(expected, vm.output());
        }
    }

    @Test
    void availabilityIsAnAnswerInWordsWhateverIsThere() {
        Availability availability = CudaDriver.availability("abacus", 80);
        switch (CudaDriver.probe()) {
            case CudaDriver.Probe.Found(List<CudaDevice> devices) ->
                assertEquals(CudaDriver.among(devices, "abacus", 80), availability);
            case CudaDriver.Probe.Absent(String problem, String remedy, Throwable cause) -> {
                var unavailable = assertInstanceOf(Availability.Unavailable.class, availability);
                assertEquals(1, unavailable.rejections().size());
                Rejection reason = unavailable.rejections().getFirst();
                assertEquals("abacus: " + problem + "; " + remedy, reason.message());
                assertEquals("abacus", reason.backendId());
                assertEquals(RejectionCode.DEVICE_UNAVAILABLE, reason.code());
                assertEquals(Phase.DISCOVERY, reason.phase());
                assertEquals(Dimension.DEVICE, reason.dimension());
                assertEquals(remedy, reason.remedy());
                assertEquals(cause == null, reason.cause() == null);
            }
        }
    }

    @Test
    void devicesThatAreNewEnoughAreOffered() {
        var available = assertInstanceOf(Availability.Available.class,
                CudaDriver.among(List.of(NEW, OLD), "abacus", 80));
        assertEquals(List.of(NEW.info()), available.devices());
        assertEquals(new DeviceInfo(new MemorySpaceId("cuda", 0), "New", "sm_90", 1L << 37, "CUDA 12.8"),
                NEW.info());
        var both = assertInstanceOf(Availability.Available.class,
                CudaDriver.among(List.of(NEW, OLD), "abacus", 75));
        assertEquals(List.of(NEW.info(), OLD.info()), both.devices());
    }

    @Test
    void everyDeviceThatIsTooOldIsNamed() {
        var none = assertInstanceOf(Availability.Unavailable.class,
                CudaDriver.among(List.of(NEW, OLD), "abacus", 100));
        assertEquals(List.of(
                "abacus: device 0 (New) is sm_90, sm_100 or newer is needed; use another backend on this device",
                "abacus: device 1 (Old) is sm_75, sm_100 or newer is needed; use another backend on this device"),
                none.rejections().stream().map(Rejection::message).toList());
        assertTrue(none.rejections().stream().allMatch(r -> r.code() == RejectionCode.DEVICE_UNAVAILABLE));
    }

    @Test
    void contextOfADeviceThatIsNotThereIsRefusedInWords() {
        switch (CudaDriver.probe()) {
            case CudaDriver.Probe.Found(List<CudaDevice> devices) -> {
                for (int ordinal : List.of(-1, devices.size())) {
                    assertEquals("there is no CUDA device " + ordinal + ", the driver sees " + devices.size(),
                            assertThrows(IllegalStateException.class, () -> CudaContext.retain(ordinal))
                                    .getMessage());
                }
            }
            case CudaDriver.Probe.Absent(String problem, String remedy, Throwable cause) -> {
                var e = assertThrows(IllegalStateException.class, () -> CudaContext.retain(0));
                assertEquals(problem + "; " + remedy, e.getMessage());
                assertEquals(cause == null, e.getCause() == null);
            }
        }
    }

    @Test
    void errorsOfTheDriverNameCallCodeAndWhatWasAsked() {
        CudaDriver.check(0, "cuInit", "");
        CudaException e = assertThrows(CudaException.class,
                () -> CudaDriver.check(700, "cuLaunchKernel", "k with 7 CTAs"));
        assertEquals("cuLaunchKernel failed with CUDA_ERROR_ILLEGAL_ADDRESS (700): k with 7 CTAs",
                e.getMessage());
        assertEquals(700, e.code());
        assertNull(e.getCause());
        assertEquals("cuInit failed with CUDA_ERROR_NO_DEVICE (100)",
                assertThrows(CudaException.class, () -> CudaDriver.check(100, "cuInit", "")).getMessage());
    }
}
