package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.session.ProviderCheck;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

/** What a look for devices says, whatever is or is not installed. Each needs a process of its own. */
class DiscoveryTest {
    /** Looks twice, since classes that failed to load fail differently the second time, and prints what it is told. */
    public static final class Look {
        public static void main(String[] arguments) {
            for (int i = 0; i < 2; i++) {
                switch (new OpenClBackendProvider().probe()) {
                    case Availability.Available(var devices) -> System.out.println("found " + devices);
                    case Availability.Unavailable(var reasons) ->
                        reasons.forEach(reason -> System.out.println("absent " + reason.message()));
                }
            }
        }
    }

    static String look(Map<String, String> environment) throws IOException, InterruptedException {
        try (ChildVm child = ChildVm.start(Look.class, environment)) {
            List<String> lines = child.output().lines().toList();
            assertEquals(2, lines.size(), lines::toString);
            assertEquals(lines.get(0), lines.get(1));
            return lines.get(0);
        }
    }

    static void says(String line, String... words) {
        for (String word : words) {
            assertTrue(line.contains(word), () -> "'" + word + "' is not in: " + line);
        }
    }

    @Test
    void providerIsFoundAndWellFormed() {
        assertEquals(1, ServiceLoader.load(AttentionBackendProvider.class).stream()
                .filter(found -> found.type() == OpenClBackendProvider.class).count());
        assertEquals(List.of(), ProviderCheck.check(new OpenClBackendProvider()));
    }

    @Test
    void absentLibraryIsSaidInWords() throws Exception {
        says(look(Map.of("HEDDLE_OPENCL", "libnosuchopencl.so.7")), "absent", "opencl",
                "OpenCL's library was not found: tried libnosuchopencl.so.7", "install the OpenCL loader",
                "HEDDLE_OPENCL");
    }

    @Test
    void libraryThatIsNoOpenClIsSaidInWords() throws Exception {
        says(look(Map.of("HEDDLE_OPENCL", "libm.so.6")), "absent", "libm.so.6 (which is no OpenCL library");
    }

    @Test
    void requiredBackendThatIsAbsentFailsTheBuild() {
        if (new OpenClBackendProvider().probe() instanceof Availability.Available) {
            assertNull(OnOpenCl.Condition.absence("cpu,opencl"));
        } else {
            assertThrows(AssertionError.class, () -> OnOpenCl.Condition.absence("cpu,opencl"));
            assertTrue(OnOpenCl.Condition.absence("cpu").contains("opencl"));
        }
    }
}
