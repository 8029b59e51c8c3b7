package dev.heddle.backend.opencl.device;

import dev.heddle.core.Evolving;

/**
 * What kernels and their tiles are chosen by.
 *
 * @since 0.1
 */
@Evolving
public enum DeviceKind {
    /** The host's own processor, as through PoCL: few work-groups of one work-item with vector instructions. */
    CPU,
    /** A GPU that shares the host's memory. */
    INTEGRATED_GPU,
    /** A GPU, or another accelerator, with memory of its own. */
    DISCRETE_GPU
}
