package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.KernelSource;
import java.util.List;

/**
 * What one compiled kernel is specialised for. Two that are equal are one kernel.
 *
 * @since 0.1
 */
@Evolving
public interface DecodeKernel {
    /** KV heads that per-head scales may be given for: they travel in the kernel's argument. */
    int MAX_HEADS = 128;

    /** Segments of a cache; their addresses travel in the kernel's argument, which the driver limits to 4 KiB. */
    int MAX_SEGMENTS = 160;

    /** Parts of a row: beyond, merging takes longer than reading. */
    int MOST_PARTS = 1024;

    /** The first compute capability that has clusters, major × 10 + minor. */
    int CLUSTERS = 90;

    /** CTAs of a cluster that every device with clusters can run. */
    int PORTABLE_CLUSTER = 8;

    /** Returns the rows of a tile: query rows × query heads of one KV head. */
    int rows();

    /** Returns the warps of a CTA. */
    int warps();

    /** Returns the CTAs that share a multiprocessor. */
    int ctas();

    /**
     * Returns how many neighbouring CTAs are a cluster, a power of two: each of them has a part of the same rows, and they
     * merge without the workspace.
     */
    default int cluster() {
        return 1;
    }

    /**
     * Returns how many CTAs run at once. A large cluster must lie within one of the device's groups of multiprocessors,
     * which leaves some unused.
     */
    default int atOnce(int multiprocessors) {
        int unused = cluster() < PORTABLE_CLUSTER ? 0 : Math.max(1, 2 * PORTABLE_CLUSTER / cluster());
        return (multiprocessors * ctas() / cluster() - unused) * cluster();
    }

    /**
     * Returns about how many KV tokens a part has where the cut must not depend on the batch: small enough for a request
     * alone to spread over the device, large enough for merges to be noise in a batch that fills it often.
     *
     * @param kvLen tokens that the request's rows see
     */
    default int invariantTokens(int kvLen) {
        return DecodeSchedule.FIXED_TOKENS;
    }

    /** Returns whether there may be masks, a soft cap, ALiBi, scales per head, or a cache in several segments. */
    boolean general();

    /** Returns the kernel that takes everything and is else the same. */
    DecodeKernel forAnything();

    /** Returns the dynamic shared memory of a CTA in bytes. */
    int sharedBytes();

    /** Returns how many floats one part of a tile takes in the workspace. */
    int stateFloats();

    /** Returns the oldest device that can run it, major × 10 + minor. */
    default int leastComputeCapability() {
        return cluster() > 1 ? CLUSTERS : DecodeCapabilities.LEAST_COMPUTE_CAPABILITY;
    }

    /** Returns what it is compiled from. */
    KernelSource source();

    /** Returns the macros that the source is compiled with. */
    List<String> macros();

    /** Returns the number that the source knows a type by. */
    static int code(DataType type) {
        return switch (type) {
            case F32 -> 0;
            case F16 -> 1;
            case BF16 -> 2;
            case FP8_E4M3 -> 3;
            case FP8_E5M2 -> 4;
            case INT8 -> 5;
        };
    }
}
