package dev.heddle.conformance.oracle;

import dev.heddle.core.Evolving;

/**
 * How far an output may lie from the oracle's.
 *
 * @param max largest absolute error of an element
 * @param mean mean absolute error
 * @since 0.1
 */
@Evolving
public record Bounds(double max, double mean) {}
