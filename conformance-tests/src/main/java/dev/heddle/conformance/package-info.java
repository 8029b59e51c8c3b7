/**
 * The conformance kit: reads what a backend declares, proves each part of it, and proves that what lies just outside
 * is refused.
 *
 * <p>{@link dev.heddle.conformance.ConformanceRun} runs the {@link dev.heddle.conformance.Rule rules} of every {@link
 * dev.heddle.conformance.RuleBook} on a {@link dev.heddle.conformance.Subject} and answers a {@link
 * dev.heddle.conformance.ConformanceReport}. A case is named by one string, {@code rule/shape/seed}, which
 * reproduces it alone: {@code KitOptions.ofCase(name)}.
 */
@NullMarked
package dev.heddle.conformance;

import org.jspecify.annotations.NullMarked;
