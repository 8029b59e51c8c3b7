package dev.heddle.backend.cpu;

import dev.heddle.core.spi.AttentionBackendProvider;

class NativeNanTest extends NanTest {
    @Override
    AttentionBackendProvider provider() {
        return NativeBackend.provider();
    }
}
