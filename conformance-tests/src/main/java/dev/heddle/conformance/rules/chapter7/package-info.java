/** Rules 7.01 to 7.04: the planner, with the subject among companions that misbehave. */
@NullMarked
package dev.heddle.conformance.rules.chapter7;

import org.jspecify.annotations.NullMarked;
