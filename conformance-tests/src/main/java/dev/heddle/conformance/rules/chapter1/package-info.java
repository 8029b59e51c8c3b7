/** Rules 1.01 to 1.04: a provider is found, describes itself without side effects, hides no other, and leaves nothing behind. */
@NullMarked
package dev.heddle.conformance.rules.chapter1;

import org.jspecify.annotations.NullMarked;
