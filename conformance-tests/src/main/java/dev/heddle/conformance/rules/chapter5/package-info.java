/** Rules 5.01 to 5.05: how plans run: many layers, many threads, no allocation, lifetimes, capture. */
@NullMarked
package dev.heddle.conformance.rules.chapter5;

import org.jspecify.annotations.NullMarked;
