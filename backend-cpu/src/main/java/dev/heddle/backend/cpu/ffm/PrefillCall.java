package dev.heddle.backend.cpu.ffm;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * Arguments, scratch and results of one call of the kernel for tiles of query rows: {@code heddle_rows} in
 * {@code prefill.h}, which names each field. Used by one thread at a time; its memory is freed with it.
 */
public final class PrefillCall {
    private static final StructLayout LAYOUT = MemoryLayout.structLayout(
            ValueLayout.JAVA_LONG.withName("k_pages"), ValueLayout.JAVA_LONG.withName("v_pages"),
            ValueLayout.JAVA_LONG.withName("k_token"), ValueLayout.JAVA_LONG.withName("v_token"),
            ValueLayout.JAVA_INT.withName("page_size"), ValueLayout.JAVA_INT.withName("first"),
            ValueLayout.JAVA_INT.withName("count"), ValueLayout.JAVA_INT.withName("rows"),
            ValueLayout.JAVA_INT.withName("group"), ValueLayout.JAVA_INT.withName("dim_qk"),
            ValueLayout.JAVA_INT.withName("dim_vo"), ValueLayout.JAVA_INT.withName("k_type"),
            ValueLayout.JAVA_INT.withName("v_type"), ValueLayout.JAVA_INT.withName("bf16"),
            ValueLayout.JAVA_INT.withName("fresh"), ValueLayout.JAVA_FLOAT.withName("scale"),
            ValueLayout.JAVA_FLOAT.withName("cap"), ValueLayout.JAVA_INT.withName("segment"),
            ValueLayout.JAVA_LONG.withName("from"), ValueLayout.JAVA_LONG.withName("to"),
            ValueLayout.JAVA_LONG.withName("mask"), ValueLayout.JAVA_LONG.withName("slopes"),
            ValueLayout.JAVA_LONG.withName("offsets"), ValueLayout.JAVA_LONG.withName("q"),
            ValueLayout.JAVA_LONG.withName("acc"), ValueLayout.JAVA_LONG.withName("max"),
            ValueLayout.JAVA_LONG.withName("sum"), ValueLayout.JAVA_LONG.withName("scratch"));
    private static final long ALIGNMENT = 64;
    private static final long COUNT = offset("count");
    private static final long FIRST = offset("first");
    private static final long ROWS = offset("rows");
    private static final long FRESH = offset("fresh");
    private static final long SCALE = offset("scale");
    private static final long SLOPES = offset("slopes");
    private static final long K_TOKEN = offset("k_token");
    private static final long V_TOKEN = offset("v_token");

    private final NativeKernels kernels = NativeKernels.get();
    private MemorySegment memory = MemorySegment.NULL;
    private MemorySegment call = memory; // all of these are slices of it
    private MemorySegment kPages = memory;
    private MemorySegment vPages = memory;
    private MemorySegment from = memory;
    private MemorySegment to = memory;
    private MemorySegment mask = memory;
    private MemorySegment slopes = memory;
    private MemorySegment offsets = memory;
    private MemorySegment q = memory;
    private MemorySegment acc = memory;
    private MemorySegment max = memory;
    private MemorySegment sum = memory;
    private long used;

    /** Makes arguments without memory: see {@link #prepare}. */
    public PrefillCall() {}

    /**
     * Makes room for runs of at most so many tokens and rows; memory of earlier ones is used again if it is enough.
     *
     * @param segment products of a score that are added up in a row
     * @param bf16 whether queries are bf16 values and so will the result be: the kernel may then multiply them as such
     */
    public void prepare(AttentionSpec spec, int tokens, int rows, int segment, boolean bf16) {
        int group = spec.groupSize();
        int dimQk = spec.headDimQk();
        int dimVo = spec.headDimVo();
        long queries = rows / group;
        long pages = tokens / spec.pageSize() + 2L;
        long maskWords = spec.customMask() ? queries * words(tokens) : 0;
        long scratch = kernels.prefillScratchBytes(rows, dimQk, dimVo);
        long needed = LAYOUT.byteSize() + (2 * pages + maskWords) * Long.BYTES
                + (3 * queries + group + (long) rows * (dimQk + dimVo + 2)) * Float.BYTES + scratch
                + 13 * ALIGNMENT;
        if (memory.byteSize() < needed) {
            memory = Arena.ofAuto().allocate(needed, ALIGNMENT);
        }
        used = 0;
        call = take(LAYOUT.byteSize());
        kPages = take("k_pages", pages * Long.BYTES);
        vPages = take("v_pages", pages * Long.BYTES);
        from = take("from", queries * Integer.BYTES);
        to = take("to", queries * Integer.BYTES);
        mask = take("mask", maskWords * Long.BYTES);
        slopes = take("slopes", group * (long) Float.BYTES);
        offsets = take("offsets", queries * Float.BYTES);
        q = take("q", (long) rows * dimQk * Float.BYTES);
        acc = take("acc", (long) rows * dimVo * Float.BYTES);
        max = take("max", (long) rows * Float.BYTES);
        sum = take("sum", (long) rows * Float.BYTES);
        take("scratch", scratch);
        if (!spec.customMask()) {
            call.set(ValueLayout.JAVA_LONG, offset("mask"), 0);
        }
        number("page_size", spec.pageSize());
        number("group", group);
        number("dim_qk", dimQk);
        number("dim_vo", dimVo);
        number("k_type", spec.kDtype().ordinal());
        number("v_type", spec.vDtype().ordinal());
        number("segment", segment);
        number("bf16", bf16 ? 1 : 0);
        call.set(ValueLayout.JAVA_FLOAT, offset("cap"), (float) (spec.logitsSoftCap() / Math.log(2)));
    }

    private MemorySegment take(long bytes) {
        MemorySegment taken = memory.asSlice(used, bytes);
        used += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
        return taken;
    }

    private MemorySegment take(String field, long bytes) {
        MemorySegment taken = take(bytes);
        call.set(ValueLayout.JAVA_LONG, offset(field), taken.address());
        return taken;
    }

    private static long offset(String field) {
        return LAYOUT.byteOffset(MemoryLayout.PathElement.groupElement(field));
    }

    private void number(String field, int value) {
        call.set(ValueLayout.JAVA_INT, offset(field), value);
    }

    /** Returns the words of a query row's mask bits for so many tokens. */
    public static int words(int tokens) {
        return Math.ceilDiv(tokens, Long.SIZE);
    }

    /** Takes queries, {@code dim} floats every {@code stride}, and what makes a score of q·k in units of log2. */
    public void load(float[] rows, int count, int dim, int stride, float scale) {
        for (int r = 0; r < count; r++) {
            MemorySegment.copy(rows, r * stride, q, ValueLayout.JAVA_FLOAT, (long) r * dim * Float.BYTES,
                    dim);
        }
        call.set(ValueLayout.JAVA_INT, ROWS, count);
        call.set(ValueLayout.JAVA_INT, FRESH, 1);
        call.set(ValueLayout.JAVA_FLOAT, SCALE, scale);
        call.set(ValueLayout.JAVA_LONG, SLOPES, 0);
    }

    /** Sets the slope of a head of the group, after {@link #load}. */
    public void slope(int head, float slope) {
        slopes.setAtIndex(ValueLayout.JAVA_FLOAT, head, slope);
        call.set(ValueLayout.JAVA_LONG, SLOPES, slopes.address());
    }

    /** Tells which tokens of the run a query row sees, and how far the first lies from its position. */
    public void see(int query, int first, int end, float offset) {
        from.setAtIndex(ValueLayout.JAVA_INT, query, first);
        to.setAtIndex(ValueLayout.JAVA_INT, query, end);
        offsets.setAtIndex(ValueLayout.JAVA_FLOAT, query, offset);
    }

    /** Sets a word of mask bits, {@link #words} of which each query row has. */
    public void mask(int index, long bits) {
        mask.setAtIndex(ValueLayout.JAVA_LONG, index, bits);
    }

    /** Tells where a KV head's rows of a request's tokens lie, which may be none. */
    public void place(KvPlane k, KvPlane v, PageTable table, int request, int pageSize, int first, int end,
            int kvHead) {
        call.set(ValueLayout.JAVA_LONG, K_TOKEN, k.strides().token() * k.dtype().byteSize());
        call.set(ValueLayout.JAVA_LONG, V_TOKEN, v.strides().token() * v.dtype().byteSize());
        call.set(ValueLayout.JAVA_INT, FIRST, first % pageSize);
        call.set(ValueLayout.JAVA_INT, COUNT, Math.max(0, end - first));
        int page = first / pageSize;
        for (int i = 0; (long) (page + i) * pageSize < end; i++) {
            int id = table.pageOf(request, (page + i) * pageSize);
            kPages.setAtIndex(ValueLayout.JAVA_LONG, i, DecodeCall.address(k, id, kvHead));
            vPages.setAtIndex(ValueLayout.JAVA_LONG, i, DecodeCall.address(v, id, kvHead));
        }
    }

    /** Computes. Memory of one segment cannot be freed meanwhile. */
    public void run(KvPlane k, KvPlane v) {
        kernels.prefill(DecodeCall.base(k), DecodeCall.base(v), call);
        call.set(ValueLayout.JAVA_INT, FRESH, 0);
    }

    /** Copies the sums of p·v out: {@code dim} floats every {@code stride}. */
    public void take(float[] rows, int count, int dim, int stride) {
        for (int r = 0; r < count; r++) {
            MemorySegment.copy(acc, ValueLayout.JAVA_FLOAT, (long) r * dim * Float.BYTES, rows, r * stride,
                    dim);
        }
    }

    /** Returns the largest score of a row, in units of log2; {@link DecodeCall#LOWEST} if it saw none. */
    public float max(int row) {
        return max.getAtIndex(ValueLayout.JAVA_FLOAT, row);
    }

    /** Returns the sum of a row's weights. */
    public float sum(int row) {
        return sum.getAtIndex(ValueLayout.JAVA_FLOAT, row);
    }
}
