package dev.heddle.backend.opencl;

import static dev.heddle.backend.opencl.DiscoveryTest.look;
import static dev.heddle.backend.opencl.DiscoveryTest.says;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said where there is a loader, with drivers behind it or not. */
@OnOpenCl
class LoaderTest {
    @Test
    void noDriverIsNoPlatform(@TempDir Path empty) throws Exception {
        says(look(Map.of("OCL_ICD_VENDORS", empty + "/", "OCL_ICD_FILENAMES", "")), "absent",
                "has no platform",
                "install a driver");
    }

    @Test
    void driverThatIsNotThereOrIsNoDriverTakesNothingDown(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("missing.icd"), "libnosuchdriver.so.1\n");
        Files.writeString(folder.resolve("other.icd"), "libm.so.6\n");
        Files.writeString(folder.resolve("empty.icd"), "");
        says(look(Map.of("OCL_ICD_VENDORS", folder + "/")), "absent", "has no platform");
    }

    @Test
    void poclWithoutALinkerIsRefusedBeforeItEndsTheProcess() throws Exception {
        String line = look(Map.of("PATH", "/nowhere"));
        if (line.contains("found")) {
            assertTrue(!line.contains("pthread-"), line); // another driver is there, PoCL is left out
        } else {
            says(line, "absent", "needs the linker ld", "install binutils");
        }
    }

    @Test
    void vendorsLibraryServesWithoutALoader() throws Exception {
        Path icd = Path.of("/etc/OpenCL/vendors/pocl.icd");
        if (Files.exists(icd)) { // where another driver serves OpenCL, its library may have any name
            says(look(Map.of("HEDDLE_OPENCL", Files.readString(icd).strip())), "found", "opencl");
        }
    }

    @Test
    void damagedDriverFileIsNamedBeforeTheLoaderMeetsIt(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("garbage.icd"), "\0\0not a name\n");
        says(look(Map.of("OCL_ICD_VENDORS", folder + "/")), "absent", folder + "/garbage.icd is damaged",
                "remove the file");
    }
}
