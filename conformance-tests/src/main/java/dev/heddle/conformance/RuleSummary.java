package dev.heddle.conformance;

import dev.heddle.core.Evolving;

/**
 * How the cases of one rule ended.
 *
 * @param rule the rule's number
 * @param claim what must hold
 * @param passed cases that hold
 * @param failed cases that do not
 * @param notDeclared cases that do not apply
 * @since 0.1
 */
@Evolving
public record RuleSummary(String rule, String claim, int passed, int failed, int notDeclared) {}
