/** Numerics: right against the oracle, and right where arithmetic is easily wrong. */
@NullMarked
package dev.heddle.conformance.rules.chapter3;

import org.jspecify.annotations.NullMarked;
