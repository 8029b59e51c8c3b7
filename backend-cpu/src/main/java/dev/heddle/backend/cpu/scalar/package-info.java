/** The inner loops in plain Java, for JVMs that do not resolve the incubator module. */
@NullMarked
package dev.heddle.backend.cpu.scalar;

import org.jspecify.annotations.NullMarked;
