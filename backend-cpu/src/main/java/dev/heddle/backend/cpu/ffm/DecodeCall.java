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
            ValueLayout.JAVA_LONG.withName("q_at"), ValueLayout.JAVA_LONG.withName("q_head"),
            ValueLayout.JAVA_INT.withName("page_size"), ValueLayout.JAVA_INT.withName("first"),
            ValueLayout.JAVA_INT.withName("count"), ValueLayout.JAVA_INT.withName("heads"),
            ValueLayout.JAVA_INT.withName("group"), ValueLayout.JAVA_INT.withName("dim_qk"),
            ValueLayout.JAVA_INT.withName("dim_vo"), ValueLayout.JAVA_INT.withName("q_type"),
            ValueLayout.JAVA_INT.withName("k_type"), ValueLayout.JAVA_INT.withName("v_type"),
            ValueLayout.JAVA_INT.withName("bf16"), ValueLayout.JAVA_INT.withName("first_next"),
            ValueLayout.JAVA_INT.withName("count_next"), ValueLayout.JAVA_INT.withName("fresh"),
            ValueLayout.JAVA_LONG.withName("scale"),
            ValueLayout.JAVA_LONG.withName("acc"), ValueLayout.JAVA_LONG.withName("max"),
            ValueLayout.JAVA_LONG.withName("sum"), ValueLayout.JAVA_LONG.withName("scratch"),
            ValueLayout.JAVA_LONG.withName("k_next"), ValueLayout.JAVA_LONG.withName("v_next"));
    private static final long ALIGNMENT = 64;
    private static final long ACC = offset("acc");
    private static final long BF16 = offset("bf16");
    private static final long DIM_QK = offset("dim_qk");
    private static final long DIM_VO = offset("dim_vo");
    private static final long FRESH = offset("fresh");
    private static final long GROUP = offset("group");
    private static final long K_NEXT = offset("k_next");
    private static final long K_PAGES = offset("k_pages");
    private static final long K_TYPE = offset("k_type");
    private static final long MAX = offset("max");
    private static final long PAGE_SIZE = offset("page_size");
    private static final long Q_AT = offset("q_at");
    private static final long Q_HEAD = offset("q_head");
    private static final long Q_TYPE = offset("q_type");
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
    private MemorySegment scale = memory;
    private MemorySegment copied = memory; // queries that lay on the heap
    private MemorySegment q = memory; // what the kernel reads queries from
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
                + (rows * dimQk + heads) * Float.BYTES + scratch + 8 * ALIGNMENT;
        if (memory.byteSize() < needed) {
            memory = Arena.ofAuto().allocate(needed, ALIGNMENT);
        }
        used = 0;
        call = take(LAYOUT.byteSize());
        kPages = take(pages * Long.BYTES);
        vPages = take(pages * Long.BYTES);
        kNext = take(ahead * Long.BYTES);
        vNext = take(ahead * Long.BYTES);
        copied = take(rows * dimQk * Float.BYTES);
        scale = take((long) heads * Float.BYTES);
        pointer(K_PAGES, kPages);
        pointer(V_PAGES, vPages);
        pointer(K_NEXT, kNext);
        pointer(V_NEXT, vNext);
        pointer(SCALE, scale);
        pointer(SCRATCH, take(scratch));
        number(PAGE_SIZE, spec.pageSize());
        number(GROUP, spec.groupSize());
        number(DIM_QK, dimQk);
        number(DIM_VO, dimVo);
        number(Q_TYPE, spec.qDtype().ordinal());
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

    /**
     * Tells where the rows of some KV heads' queries are, in the type of the spec. Runs up to the next call of this read
     * them once.
     *
     * @param at bytes to the first row
     * @param apart bytes from a row to the next
     */
    public void queries(MemorySegment rows, long at, long apart, int count, long rowBytes) {
        q = rows;
        if (!rows.isNative()) { // heap arrays move
            for (int r = 0; r < count; r++) {
                MemorySegment.copy(rows, at + r * apart, copied, r * rowBytes, rowBytes);
            }
            q = copied;
        }
        call.set(ValueLayout.JAVA_LONG, Q_AT, rows.isNative() ? at : 0);
        call.set(ValueLayout.JAVA_LONG, Q_HEAD, rows.isNative() ? apart : rowBytes);
        call.set(ValueLayout.JAVA_INT, FRESH, 1);
    }

    /** Forgets the queries, which are the caller's. */
    public void release() {
        q = MemorySegment.NULL;
    }

    /** Sets what a KV head's scores are multiplied by. */
    public void scale(int head, float factor) {
        scale.setAtIndex(ValueLayout.JAVA_FLOAT, head, factor);
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

    /**
     * Computes. Memory of one segment cannot be freed meanwhile.
     *
     * @param state the address of {@link #stateFloats} floats for what comes out, which the caller keeps alive
     */
    public void run(KvPlane k, KvPlane v, long state) {
        int heads = call.get(ValueLayout.JAVA_INT, HEADS);
        long rows = (long) heads * call.get(ValueLayout.JAVA_INT, GROUP);
        long max = state + rows * call.get(ValueLayout.JAVA_INT, DIM_VO) * Float.BYTES;
        call.set(ValueLayout.JAVA_LONG, ACC, state);
        call.set(ValueLayout.JAVA_LONG, MAX, max);
        call.set(ValueLayout.JAVA_LONG, SUM, max + rows * Float.BYTES);
        kernels.decode(base(k), base(v), q, call);
        call.set(ValueLayout.JAVA_INT, FRESH, 0);
    }

    /** Returns the floats that a run leaves for so many rows: sums of p·v, maxima, sums of p. */
    public static long stateFloats(long rows, int dimVo) {
        long line = ALIGNMENT / Float.BYTES; // states that begin together with a line are written faster
        return Math.ceilDiv(rows * (dimVo + 2), line) * line;
    }
}
