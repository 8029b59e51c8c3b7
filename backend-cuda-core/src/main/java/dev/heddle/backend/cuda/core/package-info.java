/**
 * Decode and short append on CUDA cores, for any group size. A kernel ({@code decode.cu}) is specialised for a spec's head
 * dims, dtypes and rows of a tile; it comes from the jar, from a cache on disk, or from the run-time compiler.
 */
@NullMarked
package dev.heddle.backend.cuda.core;

import org.jspecify.annotations.NullMarked;
