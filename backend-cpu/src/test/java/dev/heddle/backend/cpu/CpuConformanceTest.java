package dev.heddle.backend.cpu;

import dev.heddle.conformance.junit.BackendConformance;
import dev.heddle.core.spi.AttentionBackendProvider;

/** The proof of the declaration, rule by rule. */
class CpuConformanceTest extends BackendConformance {
    @Override
    protected AttentionBackendProvider provider() {
        return new CpuBackendProvider();
    }
}
