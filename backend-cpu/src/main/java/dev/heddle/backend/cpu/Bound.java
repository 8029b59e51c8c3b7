package dev.heddle.backend.cpu;

import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The tensors of the run under way. */
final class Bound {
    @Nullable
    Tensor q;
    @Nullable
    KvCacheView kv;
    @Nullable
    Tensor out;
    @Nullable
    Tensor lse;
    HeadParameters heads = HeadParameters.NONE;
    boolean singleInC; // whether kernels in C read these tensors' single rows
    @Nullable
    ManyRows many; // the kernel for several rows that can read them

    void set(@Nullable Tensor q, @Nullable KvCacheView kv, @Nullable Tensor out, @Nullable Tensor lse,
            HeadParameters heads) {
        this.q = q;
        this.kv = kv;
        this.out = out;
        this.lse = lse;
        this.heads = heads;
    }

    static float perHead(Tensor values, int qoHead) {
        return HostTensors.get(HostTensors.segment(values.buffer()), DataType.F32,
                values.byteOffset() + Float.BYTES * qoHead * values.stride(0));
    }
}
