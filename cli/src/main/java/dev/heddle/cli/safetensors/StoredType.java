package dev.heddle.cli.safetensors;

import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The element types that Heddle reads, by their names in a header. */
public enum StoredType {
    /** {@link DataType#F32}. */
    F32(4, DataType.F32),
    /** {@link DataType#F16}. */
    F16(2, DataType.F16),
    /** {@link DataType#BF16}. */
    BF16(2, DataType.BF16),
    /** {@link DataType#FP8_E4M3}. */
    F8_E4M3(1, DataType.FP8_E4M3),
    /** {@link DataType#FP8_E5M2}. */
    F8_E5M2(1, DataType.FP8_E5M2),
    /** {@link DataType#INT8}. */
    I8(1, DataType.INT8),
    /** 32-bit integers: tables and pointers. */
    I32(4, null),
    /** 64-bit integers. */
    I64(8, null);

    private final int byteSize;
    private final @Nullable DataType dtype;

    StoredType(int byteSize, @Nullable DataType dtype) {
        this.byteSize = byteSize;
        this.dtype = dtype;
    }

    /** Returns the size of an element in bytes. */
    public int byteSize() {
        return byteSize;
    }

    /** Returns the dtype, or null for integers that are not attention data. */
    public @Nullable DataType dtype() {
        return dtype;
    }

    /** Returns the type with that name in a header, or null. */
    static @Nullable StoredType of(String name) {
        return Arrays.stream(values()).filter(t -> t.name().equals(name)).findFirst().orElse(null);
    }
}
