/**
 * Backends that are broken on purpose, each in one way, around a backend that is right: at least one for each rule, and
 * one for each trick that might pass for conformance. {@link dev.heddle.conformance.saboteur.SelfTest} runs the kit on
 * all of them; one that passes is a hole in the kit.
 *
 * <p>A saboteur leaves declaration, opening, planning and arithmetic to the backend it wraps and spoils one thing:
 * the declaration, an input, an output, memory beside them. A fault inside the arithmetic cannot be put into a real
 * backend from outside; there, the steps of {@link dev.heddle.conformance.reference.PlainMath plain attention} with one
 * wrong take the place of the run. Parts around backends that rules examine too (page tables, evaluation, discovery,
 * planner) are spoilt in the {@link dev.heddle.conformance.house.House}.
 */
@NullMarked
package dev.heddle.conformance.saboteur;

import org.jspecify.annotations.NullMarked;
