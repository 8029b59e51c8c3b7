package dev.heddle.backend.opencl;

import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.junit.BackendConformance;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.nio.file.Path;

/** The proof of the declaration, rule by rule, on the first device. */
@OnOpenCl
class OpenClConformanceTest extends BackendConformance {
    @Override
    protected AttentionBackendProvider provider() {
        return new OpenClBackendProvider();
    }

    @Override
    protected KitOptions options() {
        return KitOptions.DEFAULT.withCacheDirectory(Path.of("target", "heddle-kernels"));
    }
}
