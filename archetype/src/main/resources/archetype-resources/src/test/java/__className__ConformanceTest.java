package ${package};

import dev.heddle.conformance.junit.BackendConformance;
import dev.heddle.core.spi.AttentionBackendProvider;

class ${className}ConformanceTest extends BackendConformance {
    @Override
    protected AttentionBackendProvider provider() {
        return new ${className}Backend();
    }
}
