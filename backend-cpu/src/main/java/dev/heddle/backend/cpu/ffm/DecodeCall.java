package dev.heddle.backend.cpu.ffm;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Arguments, scratch and results of one call of the kernel for single query rows: {@code heddle_chunk} in
 * {@code heddle_cpu.h}, which names each field. Used by one thread at a time; its memory is freed with it.
 */
public final class DecodeCall {
    private static final StructLayout LAYOUT = MemoryLayout.structLayout(
            ValueLayout.JAVA_LONG.withName("k_pages"), ValueLayout.JAVA_LONG.withName("v_pages"),
            ValueLayout.JAVA_LONG.withName("k_token"), ValueLayout.JAVA_LONG.withName("v_token"),
            ValueLayout.JAVA_LONG.withName("k_head"), ValueLayout.JAVA_LONG.withName("v_head"),
            ValueLayout.JAVA_INT.withName("page_size"), ValueLayout.JAVA_INT.withName("first"),
            ValueLayout.JAVA_INT.withName("count"), ValueLayout.JAVA_INT.withName("heads"),
            ValueLayout.JAVA_INT.withName("group"), ValueLayout.JAVA_INT.withName("dim_qk"),
            ValueLayout.JAVA_INT.withName("dim_vo"), ValueLayout.JAVA_INT.withName("k_type"),
            ValueLayout.JAVA_INT.withName("v_type"), ValueLayout.JAVA_INT.withName("bf16"),
            ValueLayout.JAVA_LONG.withName("q"), ValueLayout.JAVA_LONG.withName("scale"),
            ValueLayout.JAVA_LONG.withName("acc"), ValueLayout.JAVA_LONG.withName("max"),
            ValueLayout.JAVA_LONG.withName("sum"), ValueLayout.JAVA_LONG.withName("scratch"),
            ValueLayout.JAVA_LONG.withName("k_next"), ValueLayout.JAVA_LONG.withName("v_next"),
            ValueLayout.JAVA_INT.withName("first_next"), ValueLayout.JAVA_INT.withName("count_next"));
    private static final long ALIGNMENT = 64;
    private static final long ACC = offset("acc");
    private static final long BF16 = offset("bf16");
    private static final long DIM_QK = offset("dim_qk");
    private static final long DIM_VO = offset("dim_vo");
    private static final long GROUP = offset("group");
    private static final long K_NEXT = offset("k_next");
    private static final long K_PAGES = offset("k_pages");
    private static final long K_TYPE = offset("k_type");
    private static final long MAX = offset("max");
    private static final long PAGE_SIZE = offset("page_size");
    private static final long Q = offset("q");
    private static final long SCALE = offset("scale");
    private static final long SCRATCH = offset("scratch");
    private static final long SUM = offset("sum");
    private static final long V_NEXT = offset("v_next");
    private static final long V_PAGES = offset("v_pages");
    private static final long V_TYPE = offset("v_type");
    private static final long COUNT = offset("count");
    private static final long FIRST = offset("first");
    private static final long FIRST_NEXT = offset("first_next");
    private static final long COUNT_NEXT = offset("count_next");
    private static final long HEADS = offset("heads");
    private static final long K_TOKEN = offset("k_token");
    private static final long V_TOKEN = offset("v_token");
    private static final long K_HEAD = offset("k_head");
    private static final long V_HEAD = offset("v_head");

    /** Tokens of the next run that are worth telling. */
    private static final int AHEAD = 64;

    /** What a maximum is where no key was seen. */
    public static final float LOWEST = -0x1p126f;

    private final NativeKernels kernels = NativeKernels.get();
    private MemorySegment memory = MemorySegment.NULL;
    private MemorySegment call = memory; // all of these are slices of it
    private MemorySegment kPages = memory;
    private MemorySegment vPages = memory;
    private MemorySegment kNext = memory;
    private MemorySegment vNext = memory;
    private MemorySegment q = memory;
    private MemorySegment scale = memory;
    private MemorySegment acc = memory;
    private MemorySegment max = memory;
    private MemorySegment sum = memory;
    private long used;
    private @Nullable AttentionSpec prepared; // what the memory is laid out for
    private int preparedTokens;
    private int preparedHeads;
    private boolean preparedBf16;

    /** Makes arguments without memory: see {@link #prepare}. */
    public DecodeCall() {}

    /**
     * Makes room for runs of at most so many tokens and KV heads; memory of earlier ones is used again if it is enough.
     *
     * @param bf16 whether queries are bf16 values and so will the result be: the kernel may then multiply them as such
     */
    public void prepare(AttentionSpec spec, int tokens, int heads, boolean bf16) {
        if (spec == prepared && tokens == preparedTokens && heads == preparedHeads && bf16 == preparedBf16) {
            return; // the next step of the same model
        }
        prepared = null;
        long rows = (long) heads * spec.groupSize();
        int dimQk = spec.headDimQk();
        int dimVo = spec.headDimVo();
        long pages = tokens / spec.pageSize() + 2L;
        long ahead = AHEAD / spec.pageSize() + 2L;
        long scratch = kernels.scratchBytes(heads, spec.groupSize(), dimQk, dimVo);
        long needed = LAYOUT.byteSize() + 2 * (pages + ahead) * Long.BYTES
                + (rows * (dimQk + dimVo + 2) + heads) * Float.BYTES + scratch + 11 * ALIGNMENT;
        if (memory.byteSize() < needed) {
            memory = Arena.ofAuto().allocate(needed, ALIGNMENT);
        }
        used = 0;
        call = take(LAYOUT.byteSize());
        kPages = take(pages * Long.BYTES);
        vPages = take(pages * Long.BYTES);
        kNext = take(ahead * Long.BYTES);
        vNext = take(ahead * Long.BYTES);
        q = take(rows * dimQk * Float.BYTES);
        scale = take((long) heads * Float.BYTES);
        acc = take(rows * dimVo * Float.BYTES);
        max = take(rows * Float.BYTES);
        sum = take(rows * Float.BYTES);
        pointer(K_PAGES, kPages);
        pointer(V_PAGES, vPages);
        pointer(K_NEXT, kNext);
        pointer(V_NEXT, vNext);
        pointer(Q, q);
        pointer(SCALE, scale);
        pointer(ACC, acc);
        pointer(MAX, max);
        pointer(SUM, sum);
        pointer(SCRATCH, take(scratch));
        number(PAGE_SIZE, spec.pageSize());
        number(GROUP, spec.groupSize());
        number(DIM_QK, dimQk);
        number(DIM_VO, dimVo);
        number(K_TYPE, spec.kDtype().ordinal());
        number(V_TYPE, spec.vDtype().ordinal());
        number(BF16, bf16 ? 1 : 0);
        prepared = spec;
        preparedTokens = tokens;
        preparedHeads = heads;
        preparedBf16 = bf16;
    }

    private MemorySegment take(long bytes) {
        MemorySegment taken = memory.asSlice(used, bytes);
        used += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
        return taken;
    }

    private static long offset(String field) {
        return LAYOUT.byteOffset(MemoryLayout.PathElement.groupElement(field));
    }

    private void pointer(long field, MemorySegment memory) {
        call.set(ValueLayout.JAVA_LONG, field, memory.address());
    }

    private void number(long field, int value) {
        call.set(ValueLayout.JAVA_INT, field, value);
    }

    /** Returns the queries: {@code [heads][group][dimQk]}, f32. */
    public MemorySegment q() {
        return q;
    }

    /** Returns what each KV head's scores are multiplied by, f32. */
    public MemorySegment scale() {
        return scale;
    }

    /** Returns the sums of p·v: {@code [heads][group][dimVo]}, f32. */
    public MemorySegment acc() {
        return acc;
    }

    /** Returns the largest score of a row, in units of log2. */
    public float max(int row) {
        return max.getAtIndex(ValueLayout.JAVA_FLOAT, row);
    }

    /** Returns the sum of a row's weights. */
    public float sum(int row) {
        return sum.getAtIndex(ValueLayout.JAVA_FLOAT, row);
    }

    /** Tells where some KV heads' rows of a request's tokens lie, which may be none. */
    public void place(KvPlane k, KvPlane v, PageTable table, int request, int pageSize, int first, int end,
            int headFrom, int heads) {
        long kSize = k.dtype().byteSize();
        long vSize = v.dtype().byteSize();
        call.set(ValueLayout.JAVA_LONG, K_TOKEN, k.strides().token() * kSize);
        call.set(ValueLayout.JAVA_LONG, V_TOKEN, v.strides().token() * vSize);
        call.set(ValueLayout.JAVA_LONG, K_HEAD, k.strides().head() * kSize);
        call.set(ValueLayout.JAVA_LONG, V_HEAD, v.strides().head() * vSize);
        call.set(ValueLayout.JAVA_INT, FIRST, first % pageSize);
        call.set(ValueLayout.JAVA_INT, COUNT, Math.max(0, end - first));
        call.set(ValueLayout.JAVA_INT, HEADS, heads);
        call.set(ValueLayout.JAVA_INT, COUNT_NEXT, 0);
        pages(k, v, table, request, pageSize, first, end, headFrom, kPages, vPages);
    }

    /** Tells what will probably be read after that, so that it is asked for in time; may be wrong. */
    public void placeNext(KvPlane k, KvPlane v, PageTable table, int request, int pageSize, int first,
            int end,
            int headFrom) {
        int last = Math.min(end, first + AHEAD);
        call.set(ValueLayout.JAVA_INT, FIRST_NEXT, first % pageSize);
        call.set(ValueLayout.JAVA_INT, COUNT_NEXT, Math.max(0, last - first));
        pages(k, v, table, request, pageSize, first, last, headFrom, kNext, vNext);
    }

    private static void pages(KvPlane k, KvPlane v, PageTable table, int request, int pageSize, int first,
            int end,
            int headFrom, MemorySegment kTo, MemorySegment vTo) {
        int from = first / pageSize;
        for (int i = 0; (long) (from + i) * pageSize < end; i++) {
            int page = table.pageOf(request, (from + i) * pageSize);
            kTo.setAtIndex(ValueLayout.JAVA_LONG, i, address(k, page, headFrom));
            vTo.setAtIndex(ValueLayout.JAVA_LONG, i, address(v, page, headFrom));
        }
    }

    /** From the plane's only segment, or from nowhere where it has several. */
    static long address(KvPlane plane, int page, int head) {
        long within = plane.byteOffset(page, 0, head);
        return plane.segments().size() == 1 ? within : segment(plane.segmentOf(page)).address() + within;
    }

    private static MemorySegment segment(Buffer buffer) {
        return HostTensors.segment(buffer);
    }

    /** Returns whether the kernel can reach a plane: heap arrays move. */
    public static boolean reaches(KvPlane plane) {
        for (int i = 0; i < plane.segments().size(); i++) {
            if (!segment(plane.segments().get(i)).isNative()) {
                return false;
            }
        }
        return true;
    }

    static MemorySegment base(KvPlane plane) {
        return plane.segments().size() == 1 ? segment(plane.segments().getFirst()) : MemorySegment.NULL;
    }

    /** Computes. Memory of one segment cannot be freed meanwhile. */
    public void run(KvPlane k, KvPlane v) {
        kernels.decode(base(k), base(v), call);
    }
}
