/** Makes a failing case as small as it can be while it still fails, so that what is wrong stands alone. */
@NullMarked
package dev.heddle.conformance.shrink;

import org.jspecify.annotations.NullMarked;
