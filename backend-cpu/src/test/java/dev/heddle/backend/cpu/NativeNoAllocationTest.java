package dev.heddle.backend.cpu;

import dev.heddle.core.spi.AttentionBackendProvider;

class NativeNoAllocationTest extends NoAllocationTest {
    @Override
    AttentionBackendProvider provider() {
        return NativeBackend.provider();
    }
}
