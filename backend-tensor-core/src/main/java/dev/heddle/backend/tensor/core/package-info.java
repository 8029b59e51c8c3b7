/**
 * Decode and short append on the tensor cores of NVIDIA GPUs. The query heads of a KV head, times the query rows, are the
 * narrow side of the matrix instruction, so every group size up to eight costs the same.
 */
@NullMarked
package dev.heddle.backend.tensor.core;

import org.jspecify.annotations.NullMarked;
