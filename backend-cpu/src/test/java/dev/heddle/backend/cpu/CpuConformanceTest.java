package dev.heddle.backend.cpu;

import dev.heddle.conformance.Budget;
import dev.heddle.conformance.KitOptions;
import dev.heddle.conformance.junit.BackendConformance;
import dev.heddle.core.spi.AttentionBackendProvider;

/** The proof of the declaration, rule by rule. */
class CpuConformanceTest extends BackendConformance {
    private static final int CASES_OF_A_RULE = 60; // the first ones cover most; the command runs all, in CI too
    private static final int RANDOM_SHAPES = 100;

    @Override
    protected AttentionBackendProvider provider() {
        return new CpuBackendProvider();
    }

    /** One seed: a build fails by what it changed, not by a shape drawn today. The command draws new shapes each time. */
    @Override
    protected KitOptions options() {
        return KitOptions.DEFAULT.withSeed(42).withBudget(new Budget(null, CASES_OF_A_RULE, RANDOM_SHAPES));
    }
}
