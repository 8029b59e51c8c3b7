/**
 * Attention on OpenCL devices. {@link dev.heddle.backend.opencl.OpenClBackendProvider} is how the planner finds it;
 * memory and queues, for engines that have some of their own, are in {@link dev.heddle.backend.opencl.device}.
 */
@NullMarked
package dev.heddle.backend.opencl;

import org.jspecify.annotations.NullMarked;
