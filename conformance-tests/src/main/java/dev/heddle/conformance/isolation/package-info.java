/**
 * Runs cases where a crash of the VM is a failed case and not a lost run: in a child VM that is started again after
 * each crash.
 */
@NullMarked
package dev.heddle.conformance.isolation;

import org.jspecify.annotations.NullMarked;
