package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.OpenClMemorySpace;
import dev.heddle.conformance.Budget;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.junit.BackendConformance;
import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.spi.AttentionBackend;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.Availability;
import dev.heddle.core.spi.BackendContext;
import java.nio.file.Path;
import java.util.Map;

/** The kernels for GPUs, proved on whatever device is there: rules on numbers and on what lies beyond a row's end. */
@OnOpenCl
class SharedTilesConformanceTest extends BackendConformance {
    private static final int CASES_OF_A_RULE = 6; // each compiles a kernel

    @Override
    protected AttentionBackendProvider provider() {
        return new SharedTiles();
    }

    @Override
    protected KitOptions options() {
        return KitOptions.DEFAULT
                .withRules("2.02", "3.01", "3.02", "3.03", "3.05", "3.06", "3.07", "3.08", "3.10", "4.01",
                        "4.02",
                        "4.05", "4.08", "4.09")
                .withSeed(42).withBudget(Budget.perRule(CASES_OF_A_RULE))
                .withCacheDirectory(Path.of("target", "heddle-kernels"));
    }

    /** The backend as it would be on a GPU. */
    static final class SharedTiles implements AttentionBackendProvider {
        private final AttentionBackendProvider provider = new OpenClBackendProvider();

        @Override
        public String id() {
            return provider.id();
        }

        @Override
        public Capabilities capabilities() {
            return provider.capabilities();
        }

        @Override
        public Availability probe() {
            return provider.probe();
        }

        @Override
        public AttentionBackend open(BackendContext context) {
            return new OpenClBackend(context,
                    new Tuning(OpenClMemorySpace.shared(context).device(), true, Map.of()));
        }
    }
}
