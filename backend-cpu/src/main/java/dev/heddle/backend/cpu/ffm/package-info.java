/**
 * The kernels in C, called through the foreign function API: what the Vector API has no words for, which is asking for
 * memory ahead of its use, and products of bf16.
 */
@NullMarked
package dev.heddle.backend.cpu.ffm;

import org.jspecify.annotations.NullMarked;
