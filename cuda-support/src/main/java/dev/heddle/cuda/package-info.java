/**
 * What the CUDA backends share: the driver and its devices, memory spaces {@code cuda:N}, queues over streams, graphs,
 * and kernels that come from the jar, from a cache on disk, or from NVRTC.
 *
 * <p>Both CUDA backends take the same {@link dev.heddle.cuda.CudaMemorySpace} from their context, so a KV cache
 * allocated once is read by either. The primary context is used, which any other CUDA user of the process shares; it is
 * current on a thread only while a call of this package runs.
 */
@NullMarked
package dev.heddle.cuda;

import org.jspecify.annotations.NullMarked;
