/**
 * Requests with seeded inputs: {@link dev.heddle.conformance.input.RequestBuilder} makes them on the host, {@link
 * dev.heddle.conformance.input.Placed} holds one in a backend's memory between guard zones.
 */
@NullMarked
package dev.heddle.conformance.input;

import org.jspecify.annotations.NullMarked;
