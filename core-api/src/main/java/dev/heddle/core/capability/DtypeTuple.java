package dev.heddle.core.capability;

import dev.heddle.core.Stable;
import dev.heddle.core.tensor.DataType;

/**
 * Element types that run together.
 *
 * @param q of queries
 * @param k of cached keys
 * @param v of cached values
 * @param out of the output
 * @since 0.1
 */
@Stable
public record DtypeTuple(DataType q, DataType k, DataType v, DataType out) {
    /** Returns one type for all four. */
    public static DtypeTuple of(DataType dtype) {
        return new DtypeTuple(dtype, dtype, dtype, dtype);
    }

    /** Returns one type for q and out and one for K and V. */
    public static DtypeTuple of(DataType qAndOut, DataType kv) {
        return new DtypeTuple(qAndOut, kv, kv, qAndOut);
    }

    /** Returns the types separated by slashes: {@code bf16/fp8_e4m3/fp8_e4m3/bf16}. */
    @Override
    public String toString() {
        return q.id() + "/" + k.id() + "/" + v.id() + "/" + out.id();
    }
}
