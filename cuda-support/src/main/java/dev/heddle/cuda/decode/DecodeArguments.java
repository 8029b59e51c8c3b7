package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.Tensor;
import dev.heddle.cuda.CudaBuffer;
import dev.heddle.cuda.LaunchArguments;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the one argument of the kernel, {@code struct Params} of common.cu. Allocates nothing after it is made.
 *
 * @since 0.1
 */
@Evolving
public final class DecodeArguments implements AutoCloseable {
    private static final int Q = 0;
    private static final int K = 8;
    private static final int V = 16;
    private static final int OUT = 24;
    private static final int LSE = 32;
    private static final int SINKS = 40;
    private static final int SLOPES = 48;
    private static final int UNITS = 56;
    private static final int PAGES = 64;
    private static final int PARTIALS = 72;
    private static final int ARRIVED = 80;
    private static final int Q_STRIDES = 88; // row, head
    private static final int OUT_STRIDES = 104;
    private static final int LSE_STRIDES = 120;
    private static final int SINK_STRIDE = 136;
    private static final int SLOPE_STRIDE = 144;
    private static final int K_STRIDES = 152; // page, token, head
    private static final int V_STRIDES = 176;
    private static final int SM_SCALE = 200;
    private static final int SOFT_CAP = 204;
    private static final int K_SCALE = 208;
    private static final int V_SCALE = 212;
    private static final int WINDOW_LEFT = 216;
    private static final int CAUSAL = 220;
    private static final int GROUP_SIZE = 224;
    private static final int PAGE_SIZE = 228;
    private static final int PAGES_PER_SEGMENT = 232;
    private static final int EVICT_FIRST = 236;
    private static final int Q_TYPE = 240;
    private static final int OUT_TYPE = 244;
    private static final int PAGE_MAGIC = 248;
    private static final int PAGE_SHIFT = 252;
    private static final int PLAIN_BYTES = 256;
    private static final int HEAD_SCALES = 256;
    private static final int K_SCALES = 264;
    private static final int V_SCALES = K_SCALES + DecodeKernel.MAX_HEADS * Float.BYTES;
    private static final int K_SEGMENTS = V_SCALES + DecodeKernel.MAX_HEADS * Float.BYTES;
    private static final int V_SEGMENTS = K_SEGMENTS + DecodeKernel.MAX_SEGMENTS * Long.BYTES;
    private static final int GENERAL_BYTES = V_SEGMENTS + DecodeKernel.MAX_SEGMENTS * Long.BYTES;

    private final LaunchArguments block;
    private final boolean headScales;
    private final int kvHeads;

    /** Makes the argument of a kernel for a spec. */
    public DecodeArguments(DecodeKernel shape, AttentionSpec spec) {
        headScales = spec.kvQuantisation() == KvQuantisation.PER_HEAD;
        kvHeads = spec.numKvHeads();
        block = new LaunchArguments(shape.general() ? GENERAL_BYTES : PLAIN_BYTES);
        if (shape.general()) {
            block.putInt(HEAD_SCALES, headScales ? 1 : 0);
        }
        block.putInt(Q_TYPE, DecodeKernel.code(spec.qDtype()));
        block.putInt(OUT_TYPE, DecodeKernel.code(spec.outDtype()));
        block.putFloat(SM_SCALE, spec.smScale());
        block.putFloat(SOFT_CAP, spec.logitsSoftCap());
        block.putInt(WINDOW_LEFT, spec.windowLeft());
        block.putInt(CAUSAL, spec.causal() ? 1 : 0);
        block.putInt(GROUP_SIZE, spec.groupSize());
        block.putInt(PAGE_SIZE, spec.pageSize());
        if (spec.pageSize() > 1) {
            // Granlund & Montgomery, Division by Invariant Integers using Multiplication, 1994; exact below 2^31.
            int shift = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(spec.pageSize() - 1);
            block.putInt(PAGE_MAGIC,
                    (int) Math.ceilDivExact(1L << Integer.SIZE + shift, (long) spec.pageSize()));
            block.putInt(PAGE_SHIFT, shift);
        }
    }

    /** Returns the struct. */
    public LaunchArguments block() {
        return block;
    }

    /** Says where the schedule lies on the device. */
    public void schedule(long units, long pages, long partials, long arrived, boolean evictFirst) {
        block.putLong(UNITS, units);
        block.putLong(PAGES, pages);
        block.putLong(PARTIALS, partials);
        block.putLong(ARRIVED, arrived);
        block.putInt(EVICT_FIRST, evictFirst ? 1 : 0);
    }

    /** Returns whether KV passes through the L2 cache without staying. */
    boolean evictFirst() {
        return block.getInt(EVICT_FIRST) != 0;
    }

    /** Says where the tensors of a run lie. */
    public void tensors(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        block.putLong(Q, address(q));
        block.putLong(OUT, address(out));
        strides(Q_STRIDES, q);
        strides(OUT_STRIDES, out);
        block.putLong(LSE, lse == null ? 0 : address(lse));
        if (lse != null) {
            strides(LSE_STRIDES, lse);
        }
        perHead(SINKS, SINK_STRIDE, heads.sinks());
        perHead(SLOPES, SLOPE_STRIDE, heads.alibiSlopes());
        if (headScales) {
            for (int h = 0; h < kvHeads; h++) {
                block.putFloat(K_SCALES + h * Float.BYTES, kv.scales().k(h));
                block.putFloat(V_SCALES + h * Float.BYTES, kv.scales().v(h));
            }
        } else {
            block.putFloat(K_SCALE, kv.scales().k(0));
            block.putFloat(V_SCALE, kv.scales().v(0));
        }
        boolean many = kv.k().segments().size() > 1;
        plane(K, K_STRIDES, kv.k(), many ? K_SEGMENTS : 0);
        plane(V, V_STRIDES, kv.v(), many ? V_SEGMENTS : 0);
        block.putInt(PAGES_PER_SEGMENT, many ? kv.k().pagesPerSegment() : 0);
    }

    /** Writes where a plane lies; its segments go to a table of their own if there are several. */
    private void plane(int base, int strides, KvPlane plane, int table) {
        List<Buffer> buffers = plane.segments();
        if (table > 0) {
            block.putLong(base, plane.byteOffset());
            for (int i = 0; i < buffers.size(); i++) {
                block.putLong(table + i * Long.BYTES, address(buffers.get(i)));
            }
        } else {
            block.putLong(base, address(buffers.getFirst()) + plane.byteOffset());
        }
        int size = plane.dtype().byteSize();
        block.putLong(strides, plane.strides().page() * size);
        block.putLong(strides + 8, plane.strides().token() * size);
        block.putLong(strides + 16, plane.strides().head() * size);
    }

    private void strides(int at, Tensor tensor) {
        block.putLong(at, tensor.stride(0));
        block.putLong(at + 8, tensor.stride(1));
    }

    private void perHead(int at, int strideAt, @Nullable Tensor values) {
        block.putLong(at, values == null ? 0 : address(values));
        block.putLong(strideAt, values == null ? 0 : values.stride(0));
    }

    /** Frees the struct; nothing may be called afterwards. */
    @Override
    public void close() {
        block.close();
    }

    private static long address(Tensor tensor) {
        return address(tensor.buffer()) + tensor.byteOffset();
    }

    private static long address(Buffer buffer) {
        return ((CudaBuffer) buffer).address();
    }
}
