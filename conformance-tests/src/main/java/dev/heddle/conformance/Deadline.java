package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import java.time.Duration;

/**
 * When a run must start no further case.
 *
 * @since 0.1
 */
@Evolving
public final class Deadline {
    private final long start = System.nanoTime();
    private final long nanos;

    /** Starts to count. */
    public Deadline(Budget budget) {
        Duration time = budget.time();
        this.nanos = time == null ? Long.MAX_VALUE : time.toNanos();
    }

    /** Returns whether the time is over. */
    public boolean hasPassed() {
        return System.nanoTime() - start >= nanos;
    }

    /** Returns a budget with the time that is left of it, a second at least. */
    public Budget left(Budget budget) {
        return budget.time() == null ? budget
                : Budget.of(Duration.ofNanos(Math.max(1_000_000_000L, nanos - (System.nanoTime() - start))));
    }
}
