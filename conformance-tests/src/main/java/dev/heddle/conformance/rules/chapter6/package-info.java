/** Rules 6.01 to 6.08: page pools. */
@NullMarked
package dev.heddle.conformance.rules.chapter6;

import org.jspecify.annotations.NullMarked;
