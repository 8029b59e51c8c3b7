/** A backend for Heddle. */
@NullMarked
package ${package};

import org.jspecify.annotations.NullMarked;
