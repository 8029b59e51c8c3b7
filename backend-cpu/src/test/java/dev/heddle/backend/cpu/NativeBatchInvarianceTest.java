package dev.heddle.backend.cpu;

import dev.heddle.core.spi.AttentionBackendProvider;

class NativeBatchInvarianceTest extends BatchInvarianceTest {
    @Override
    AttentionBackendProvider provider() {
        return NativeBackend.provider();
    }
}
