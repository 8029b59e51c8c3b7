/**
 * OpenCL as Heddle uses it: the library, its devices, the memory space {@code opencl:N}, queues, programs and their
 * cache. LWJGL's calls are seen here only.
 */
@NullMarked
package dev.heddle.backend.opencl.device;

import org.jspecify.annotations.NullMarked;
