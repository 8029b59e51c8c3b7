/** The kit as JUnit tests: one dynamic test for each case. Needs JUnit Jupiter, which the kit itself does not. */
@NullMarked
package dev.heddle.conformance.junit;

import org.jspecify.annotations.NullMarked;
