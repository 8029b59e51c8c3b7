/** The kit's own rule book: one package for each chapter, one class for each rule. */
@NullMarked
package dev.heddle.conformance.rules;

import org.jspecify.annotations.NullMarked;
