package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.ffm.NativeKernels;
import dev.heddle.backend.cpu.ffm.NoKernelsException;
import dev.heddle.core.spi.AttentionBackendProvider;
import org.junit.jupiter.api.Assumptions;

/** Backend cpu-native, where it could be built and this machine can run it. */
final class NativeBackend {
    private NativeBackend() {}

    static AttentionBackendProvider provider() {
        try {
            NativeKernels.get();
        } catch (NoKernelsException e) {
            Assumptions.abort("cpu-native is not tested here: " + e.getMessage());
        }
        return new CpuNativeBackendProvider();
    }
}
