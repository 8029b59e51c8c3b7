/**
 * What calls other implementations of attention. Compiled by the profile {@code peers} alone, since nothing else needs
 * those implementations' jars.
 */
@NullMarked
package dev.heddle.benchmarks.peer;

import org.jspecify.annotations.NullMarked;
