package dev.heddle.conformance;

import dev.heddle.core.Evolving;

/**
 * How a case ended.
 *
 * @since 0.1
 */
@Evolving
public enum Outcome {
    /** The claim holds. */
    PASSED,
    /** It does not. */
    FAILED,
    /** The subject does not declare what the rule is about. */
    NOT_DECLARED
}
