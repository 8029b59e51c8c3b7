package dev.heddle.conformance;

import dev.heddle.core.Evolving;
import org.jspecify.annotations.Nullable;

/**
 * How a case ended, and why.
 *
 * @param kase the case
 * @param outcome how it ended
 * @param message empty if it passed; else what is wrong or what is not declared
 * @param nanos how long it took
 * @param errors the errors nearest to their bounds, or null where no numbers were compared
 * @since 0.1
 */
@Evolving
public record CaseResult(
        ConformanceCase kase, Outcome outcome, String message, long nanos, @Nullable ErrorStats errors) {}
