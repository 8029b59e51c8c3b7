package dev.heddle.conformance;

import dev.heddle.core.Evolving;

/**
 * What a case does.
 *
 * @since 0.1
 */
@Evolving
@FunctionalInterface
public interface CaseBody {
    /**
     * Proves the case or throws.
     *
     * @param kit made for this case alone
     * @throws ConformanceFailure if the subject breaks the rule
     * @throws NotDeclaredException if it turns out that the rule does not apply
     */
    void run(Kit kit);
}
