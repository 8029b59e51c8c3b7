/**
 * What the decode backends share: work units and how a batch is cut into them, their place on the device, the kernel's
 * argument, plans, and the choice of a kernel. {@code common.cu} and {@code conclude.cu} are the kernels' side of it.
 */
@NullMarked
package dev.heddle.cuda.decode;

import org.jspecify.annotations.NullMarked;
