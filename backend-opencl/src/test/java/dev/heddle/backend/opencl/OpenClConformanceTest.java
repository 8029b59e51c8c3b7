package dev.heddle.backend.opencl;

import dev.heddle.conformance.Budget;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.junit.BackendConformance;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.nio.file.Path;

/** The proof of the declaration, rule by rule, on the first device. */
@OnOpenCl
class OpenClConformanceTest extends BackendConformance {
    private static final int CASES_OF_A_RULE = 6; // most compile a kernel, for seconds; the command runs all

    @Override
    protected AttentionBackendProvider provider() {
        return new OpenClBackendProvider();
    }

    @Override
    protected KitOptions options() {
        return KitOptions.DEFAULT.withSeed(42).withBudget(Budget.perRule(CASES_OF_A_RULE))
                .withCacheDirectory(Path.of("target", "heddle-kernels"));
    }
}
