/**
 * The planner. {@link dev.heddle.planner.Heddle#open()} discovers backends through {@link java.util.ServiceLoader};
 * {@link dev.heddle.planner.Heddle#plan} filters them by declaration, estimates the rest, takes the fastest and
 * returns a plan that every layer runs; {@link dev.heddle.planner.Heddle#explain} says all of that without running.
 *
 * <p>No backend is known here by name. What one cannot run is a rejection; what fails at run time is quarantined.
 */
@NullMarked
package dev.heddle.planner;

import org.jspecify.annotations.NullMarked;
