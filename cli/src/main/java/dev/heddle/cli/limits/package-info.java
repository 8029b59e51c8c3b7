/**
 * What the host can do at most. A limit that is too low flatters what is measured against it, so these loops use the
 * Vector API: what the compiler makes of plain loops came 10 % short of the multiply-add rate.
 */
@NullMarked
package dev.heddle.cli.limits;

import org.jspecify.annotations.NullMarked;
