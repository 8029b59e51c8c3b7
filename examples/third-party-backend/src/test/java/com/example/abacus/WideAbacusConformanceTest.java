package com.example.abacus;

import dev.heddle.conformance.junit.BackendConformance;
import dev.heddle.core.spi.AttentionBackendProvider;

class WideAbacusConformanceTest extends BackendConformance {
    @Override
    protected AttentionBackendProvider provider() {
        return new WideAbacusBackend();
    }
}
