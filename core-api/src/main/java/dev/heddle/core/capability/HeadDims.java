package dev.heddle.core.capability;

import dev.heddle.core.Stable;

/**
 * Head dims that run: any pair of members, or only equal ones.
 *
 * @param qk values of {@code head_dim_qk}
 * @param vo values of {@code head_dim_vo}
 * @param equal whether the two must be equal
 * @since 0.1
 */
@Stable
public record HeadDims(IntSet qk, IntSet vo, boolean equal) {
    /** Returns pairs of one size for Q, K, V and out. */
    public static HeadDims same(IntSet dims) {
        return new HeadDims(dims, dims, true);
    }

    /** Returns any pair of members of two sets. */
    public static HeadDims pairs(IntSet qk, IntSet vo) {
        return new HeadDims(qk, vo, false);
    }

    /** Returns whether a pair runs. */
    public boolean contains(int headDimQk, int headDimVo) {
        return qk.contains(headDimQk) && vo.contains(headDimVo) && (!equal || headDimQk == headDimVo);
    }

    /** Returns the pairs in words: {@code {64,128}}, or {@code {192}/{128}}. */
    @Override
    public String toString() {
        return equal ? qk.toString() : qk + "/" + vo;
    }
}
