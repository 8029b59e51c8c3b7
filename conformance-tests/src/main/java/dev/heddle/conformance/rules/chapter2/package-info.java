/** Capabilities: what is declared runs, and what is not is refused. */
@NullMarked
package dev.heddle.conformance.rules.chapter2;

import org.jspecify.annotations.NullMarked;
