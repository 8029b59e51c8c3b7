package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.backend.opencl.device.OpenClDevices;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The VM's own faults reach PoCL's compiler, which then deletes what it is writing: it must be asked again. */
@OnOpenCl
class FaultWhileCompilingTest {
    /** Plans while another thread runs into null pointers, until a compilation was repeated or all is done. */
    public static final class Faulty {
        // Kept, since a logger that nobody keeps is made anew.
        private static final Logger LOGGER = Logger.getLogger("dev.heddle.opencl");
        private static final AtomicBoolean ENOUGH = new AtomicBoolean();
        private static int sum;

        private static int length(int[] values) {
            return values.length; // compiled without a test for null: the processor's fault is the test
        }

        private static void faults() {
            while (!ENOUGH.get()) {
                try {
                    sum += length(null);
                } catch (NullPointerException e) {
                    sum++;
                }
            }
        }

        public static void main(String[] arguments) throws InterruptedException {
            LOGGER.setLevel(Level.ALL);
            LOGGER.addHandler(new Handler() {
                @Override
                public void publish(LogRecord entry) {
                    if (entry.getMessage().contains("again")) {
                        ENOUGH.set(true);
                        System.out.println("compiled again");
                    }
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            });
            for (int i = 0; i < 100_000; i++) {
                sum += length(new int[1]); // until it is compiled
            }
            AttentionSpec spec =
                    AttentionSpec.builder().numQoHeads(3).numKvHeads(1).headDim(32).dtype(DataType.F32)
                            .pageSize(4).lse(false).build();
            BatchShape batch =
                    BatchShape.decode(PageTable.of(4, 1, new int[]{0, 1}, new int[]{0}, new int[]{4}));
            Thread faulty = new Thread(Faulty::faults);
            try (Heddle heddle = Heddle.builder().cacheDirectory(Path.of(arguments[0]))
                    .memorySpace(new MemorySpaceId("opencl", 0)).open()) {
                faulty.start();
                heddle.plan(spec, batch, PlanRequest.pin("opencl")).close();
                System.out.println("planned");
            } finally {
                ENOUGH.set(true);
                faulty.join();
            }
        }
    }

    private static String compileAmidFaults(Path folder, String preload) throws Exception {
        Path pocl = Files.createDirectories(folder.resolve("pocl"));
        Map<String, String> environment = Map.of("POCL_CACHE_DIR", pocl.toString(), "POCL_KERNEL_CACHE", "0",
                "LD_PRELOAD", preload);
        try (ChildVm child = ChildVm.start(Faulty.class, environment, folder.resolve("cache").toString())) {
            String output = child.output();
            assertTrue(output.endsWith("planned"), output);
            return output;
        }
    }

    @Test
    void aCompilationThatAFaultSpoiltIsRepeated(@TempDir Path folder) throws Exception {
        String output = compileAmidFaults(folder, "");
        var devices = ((OpenClDevices.Probe.Found) OpenClDevices.probe()).devices();
        assertEquals(devices.getFirst().isPocl(), output.contains("compiled again"), output);
    }

    @Test
    void withTheLibraryForChainsOfHandlersNoFaultReachesTheCompiler(@TempDir Path folder) throws Exception {
        Path library = Path.of(System.getProperty("java.home"), "lib", "libjsig.so");
        assertEquals("planned", compileAmidFaults(folder, library.toString()));
    }
}
