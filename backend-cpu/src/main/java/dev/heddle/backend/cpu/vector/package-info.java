/** The inner loops on {@code jdk.incubator.vector}; the only package that imports it. */
@NullMarked
package dev.heddle.backend.cpu.vector;

import org.jspecify.annotations.NullMarked;
