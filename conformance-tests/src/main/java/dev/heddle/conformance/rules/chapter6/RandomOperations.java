package dev.heddle.conformance.rules.chapter6;

import dev.heddle.conformance.ConformanceFailure;
import dev.heddle.conformance.PagePoolFactory;
import java.util.Random;

/** Rule 6.08. */
final class RandomOperations extends PoolRule {
    private static final int OPERATIONS = 100_000;
    private static final int PAGES = 48;
    private static final int FULL_CHECK_EVERY = 500;

    RandomOperations() {
        super("6.08", "100,000 random operations against a model lose no page and give none twice");
    }

    @Override
    void prove(PagePoolFactory pools, int pageSize, long seed) {
        PoolModel model = new PoolModel(pools.newPool(pageSize, PAGES), new Random(seed));
        for (int i = 0; i < OPERATIONS; i++) {
            String operation = "none";
            try {
                operation = model.step();
                if (i % FULL_CHECK_EVERY == 0) {
                    model.checkAll();
                }
            } catch (ConformanceFailure e) {
                throw new ConformanceFailure("operation " + i + ": " + e.getMessage(), e);
            } catch (RuntimeException e) {
                throw new ConformanceFailure("operation " + i + ", after " + operation + ", threw " + e, e);
            }
        }
        model.checkAll();
        model.freeAll();
    }
}
