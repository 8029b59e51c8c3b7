/**
 * The CPU backends: {@link dev.heddle.backend.cpu.CpuBackendProvider} in Java, and
 * {@link dev.heddle.backend.cpu.CpuNativeBackendProvider} with the kernels in C are all that anybody outside needs.
 *
 * <p>Work is cut into units (request, query tile, KV head, KV chunk). A unit reads its pages once for the whole
 * group: each tile of tokens is widened to f32, then every row of the tile takes its scores, an online softmax step
 * (arXiv:1805.02867) and p·V from it. Chunks are folded from left to right, whether one thread computed them or
 * several, so the bits depend on nothing but the request.
 */
@NullMarked
package dev.heddle.backend.cpu;

import org.jspecify.annotations.NullMarked;
