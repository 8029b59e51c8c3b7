/** The few inner loops that are worth vector instructions, as an interface with two implementations. */
@NullMarked
package dev.heddle.backend.cpu.kernel;

import org.jspecify.annotations.NullMarked;
