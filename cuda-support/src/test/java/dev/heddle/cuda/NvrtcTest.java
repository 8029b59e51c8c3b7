package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A compiler that is missing or broken is told in words. In other VMs: a library is bound once in a process. */
class NvrtcTest {
    /** Loads the compiler twice and prints why it could not. */
    static final class Load {
        private Load() {}

        public static void main(String[] arguments) {
            for (int i = 0; i < 2; i++) {
                try {
                    Nvrtc.load(NvrtcLibrary.search(System::getProperty, System::getenv));
                    System.out.println("loaded");
                } catch (KernelUnavailableException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    @Test
    void missingCompilerIsToldWithWhereItWasLookedForAndWhatToInstall(@TempDir Path empty) throws Exception {
        try (ChildVm vm =
                ChildVm.start(Load.class, Map.of(NvrtcLibrary.VARIABLE, empty.toString()), List.of())) {
            says(vm.output(), "no run-time compiler was found", empty.toString(), "install a CUDA toolkit",
                    "nvidia-cuda-nvrtc", "set HEDDLE_NVRTC");
        }
    }

    @Test
    void brokenCompilerIsNamed(@TempDir Path folder) throws Exception {
        Path broken = Files.writeString(folder.resolve("libnvrtc.so.12"), "no library");
        try (ChildVm vm =
                ChildVm.start(Load.class, Map.of(), List.of("-D" + NvrtcLibrary.PROPERTY + "=" + broken))) {
            says(vm.output(), "the run-time compiler " + broken + " cannot be loaded",
                    "set HEDDLE_NVRTC to another");
        }
    }

    private static void says(String output, String... parts) throws IOException {
        for (String part : parts) {
            int first = output.indexOf(part);
            assertTrue(first >= 0 && output.indexOf(part, first + 1) > first,
                    () -> "not said twice: " + part + "\n" + output);
        }
    }
}
