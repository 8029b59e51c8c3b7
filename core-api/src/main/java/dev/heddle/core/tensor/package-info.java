/**
 * Numbers in memory: element types with exact rounding, memory spaces that own buffers, strided tensors over
 * them, and the queues on which work runs.
 *
 * <p>Host memory is a {@link java.lang.foreign.MemorySegment}, on or off the heap. Device memory is an opaque
 * {@link Buffer} of its {@link MemorySpace}; nothing here moves data between spaces unless asked to.
 */
@NullMarked
package dev.heddle.core.tensor;

import org.jspecify.annotations.NullMarked;
