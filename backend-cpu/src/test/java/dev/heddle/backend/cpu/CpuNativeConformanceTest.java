package dev.heddle.backend.cpu;

import dev.heddle.core.spi.AttentionBackendProvider;

/** The proof of what cpu-native declares, with the best instruction set of this machine. */
class CpuNativeConformanceTest extends CpuConformanceTest {
    @Override
    protected AttentionBackendProvider provider() {
        return NativeBackend.provider();
    }
}
