/** Stability tags: every public type of Heddle is {@link Stable} or {@link Evolving}. */
@NullMarked
package dev.heddle.core;

import org.jspecify.annotations.NullMarked;
