/**
 * What a backend can run, as data, and why it cannot run what it cannot.
 *
 * <p>{@link dev.heddle.core.capability.Capabilities} is an immutable record tree that a backend declares. {@link
 * dev.heddle.core.capability.Capabilities#evaluate} holds it against a spec and a batch and answers {@link
 * dev.heddle.core.capability.Support}: supported, or every {@link dev.heddle.core.capability.Rejection}. No backend
 * evaluates its own declaration.
 */
@NullMarked
package dev.heddle.core.capability;

import org.jspecify.annotations.NullMarked;
