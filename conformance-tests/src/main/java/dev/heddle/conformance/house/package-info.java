/**
 * What stands around a backend and has rules of its own: page tables, evaluation, discovery, planner. The kit examines
 * Heddle's; its self-test puts broken ones in their place.
 */
@NullMarked
package dev.heddle.conformance.house;

import org.jspecify.annotations.NullMarked;
