package dev.heddle.core.attention;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Merges attention over disjoint sets of keys into attention over their union, from outputs and LSE alone
 * (FlashInfer, arXiv:2501.01005, §2.2). The merge is associative and commutative up to rounding.
 *
 * @since 0.1
 */
@Stable
public final class PartialResults {
    private PartialResults() {}

    /**
     * Merges {@code other} into {@code into}, in place, on the host.
     *
     * <p>With sinks, only one of the parts may have been computed with them.
     *
     * @param into {@code [rows, heads, dim]} f32, overwritten by the merged output
     * @param intoLse {@code [rows, heads]} f32, overwritten by the merged LSE
     * @param other {@code [rows, heads, dim]} f32
     * @param otherLse {@code [rows, heads]} f32
     * @throws IllegalArgumentException if shapes differ or a tensor is not f32 host memory
     */
    public static void merge(Tensor into, Tensor intoLse, Tensor other, Tensor otherLse) {
        if (into.rank() != 3) {
            throw new IllegalArgumentException("partial output must be [rows, heads, dim], got " + into);
        }
        long rows = into.extent(0);
        long heads = into.extent(1);
        long dim = into.extent(2);
        require(other.hasShape(rows, heads, dim), "other output", other, into);
        require(intoLse.hasShape(rows, heads), "LSE", intoLse, into);
        require(otherLse.hasShape(rows, heads), "other LSE", otherLse, into);
        MemorySegment a = f32(into);
        MemorySegment b = f32(other);
        MemorySegment la = f32(intoLse);
        MemorySegment lb = f32(otherLse);
        for (long row = 0; row < rows; row++) {
            for (long head = 0; head < heads; head++) {
                long lseAt = at(intoLse, row, head);
                float lseA = HostTensors.get(la, DataType.F32, lseAt);
                float lseB = HostTensors.get(lb, DataType.F32, at(otherLse, row, head));
                float max = Math.max(lseA, lseB);
                if (max == Float.NEGATIVE_INFINITY) {
                    continue; // neither part saw a key: zeros and -infinity stay
                }
                double weightA = Math.exp(lseA - max);
                double weightB = Math.exp(lseB - max);
                double sum = weightA + weightB;
                long atA = at(into, row, head);
                long atB = at(other, row, head);
                for (long d = 0; d < dim; d++) {
                    double merged = (weightA * HostTensors.get(a, DataType.F32, atA + 4 * d)
                            + weightB * HostTensors.get(b, DataType.F32, atB + 4 * d))
                            / sum;
                    HostTensors.set(a, DataType.F32, atA + 4 * d, (float) merged);
                }
                HostTensors.set(la, DataType.F32, lseAt, (float) (max + Math.log(sum)));
            }
        }
    }

    private static long at(Tensor tensor, long row, long head) {
        return tensor.byteOffset() + 4 * (row * tensor.stride(0) + head * tensor.stride(1));
    }

    private static MemorySegment f32(Tensor tensor) {
        require(tensor.dtype() == DataType.F32, "dtype", tensor, tensor);
        return HostTensors.segment(tensor.buffer());
    }

    private static void require(boolean holds, String what, Tensor got, Tensor expected) {
        if (!holds) {
            throw new IllegalArgumentException(
                    "partial results must be f32 of one shape: " + what + " is " + got + ", output is "
                            + expected);
        }
    }
}
