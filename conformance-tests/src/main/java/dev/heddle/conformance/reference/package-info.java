/**
 * A plain backend: slow, on the host, obviously right. The kit is tested with it, and a backend that is being
 * written can be compared with it step by step.
 */
@NullMarked
package dev.heddle.conformance.reference;

import org.jspecify.annotations.NullMarked;
