package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.NativeBlock;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Writes the struct {@code Params} of common.cl. Allocates nothing after it is made. */
final class ParamsBlock implements AutoCloseable {
    static final int BYTES = 216;

    private static final int OFFSETS = 0; // q, out, lse, sinks, slopes
    private static final int STRIDES = 40; // of q, out, lse: row and head; of sinks and slopes
    private static final int K_PLANE = 104; // offset, page, token, head
    private static final int V_PLANE = 136;
    private static final int SM_SCALE = 168;
    private static final int SOFT_CAP = 172;
    private static final int K_SCALE = 176;
    private static final int V_SCALE = 180;
    private static final int WINDOW_LEFT = 184;
    private static final int CAUSAL = 188;
    private static final int GROUP = 192;
    private static final int PAGE_SIZE = 196;
    private static final int PAGES_PER_SEGMENT = 200;
    private static final int Q_TYPE = 204;
    private static final int OUT_TYPE = 208;
    private static final int FLAGS = 212;

    private static final int WITH_LSE = 1;
    private static final int WITH_SINKS = 2;
    private static final int WITH_ALIBI = 4;
    private static final int HEAD_SCALES = 8;

    private final NativeBlock block = new NativeBlock(BYTES);
    private final boolean headScales;

    ParamsBlock(AttentionSpec spec) {
        headScales = spec.kvQuantisation() == KvQuantisation.PER_HEAD;
        put(SM_SCALE, spec.smScale());
        put(SOFT_CAP, spec.logitsSoftCap());
        put(K_SCALE, 1f);
        put(V_SCALE, 1f);
        put(WINDOW_LEFT, spec.windowLeft());
        put(CAUSAL, spec.causal() ? 1 : 0);
        put(GROUP, spec.groupSize());
        put(PAGE_SIZE, spec.pageSize());
        put(Q_TYPE, spec.qDtype().ordinal());
        put(OUT_TYPE, spec.outDtype().ordinal());
    }

    /** Says where the tensors of a run lie in their buffers. */
    void tensors(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        rows(0, q);
        rows(1, out);
        if (lse != null) {
            rows(2, lse);
        }
        perHead(3, heads.sinks());
        perHead(4, heads.alibiSlopes());
        plane(K_PLANE, kv.k());
        plane(V_PLANE, kv.v());
        if (!headScales) {
            put(K_SCALE, kv.scales().k(0));
            put(V_SCALE, kv.scales().v(0));
        }
        put(PAGES_PER_SEGMENT, Math.max(1, kv.k().pagesPerSegment()));
        put(FLAGS, (lse == null ? 0 : WITH_LSE) | (heads.sinks() == null ? 0 : WITH_SINKS)
                | (heads.alibiSlopes() == null ? 0 : WITH_ALIBI) | (headScales ? HEAD_SCALES : 0));
    }

    private void rows(int which, Tensor tensor) {
        put(OFFSETS + which * Long.BYTES, tensor.byteOffset() / tensor.dtype().byteSize());
        put(STRIDES + 2 * which * Long.BYTES, tensor.stride(0));
        put(STRIDES + (2 * which + 1) * Long.BYTES, tensor.stride(1));
    }

    private void perHead(int which, @Nullable Tensor values) {
        if (values != null) {
            put(OFFSETS + which * Long.BYTES, values.byteOffset() / Float.BYTES);
            put(STRIDES + (which + 3) * Long.BYTES, values.stride(0));
        }
    }

    private void plane(int at, KvPlane plane) {
        int size = plane.dtype().byteSize();
        put(at, plane.byteOffset());
        put(at + Long.BYTES, plane.strides().page() * size);
        put(at + 2 * Long.BYTES, plane.strides().token() * size);
        put(at + 3 * Long.BYTES, plane.strides().head() * size);
    }

    private void put(int at, long value) {
        block.put(at, value);
    }

    private void put(int at, int value) {
        block.put(at, value);
    }

    private void put(int at, float value) {
        block.put(at, value);
    }

    /** Returns where the struct lies. */
    long address() {
        return block.address();
    }

    @Override
    public void close() {
        block.close();
    }
}
