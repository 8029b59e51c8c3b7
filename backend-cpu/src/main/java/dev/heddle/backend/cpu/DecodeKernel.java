package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.DecodeLoops;
import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.Buffer;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One query row with several KV heads over a chunk of keys, pages outside and heads inside: memory is read in the
 * order in which it lies. K and V are read where they are; only what the loops cannot read, or lies in several
 * buffers, goes through scratch.
 */
final class DecodeKernel {
    private static final int TOKENS = DecodeLoops.TOKENS;
    private static final int STAGED_VALUES = 4; // with their accumulators they stay in L1

    private final BatchShape batch;
    private final PageTable pages;
    private final CpuSchedule schedule;
    private final Staging staging;
    private final DecodeLoops decode;
    private final Bound bound;
    private final int group;
    private final int dimQk;
    private final int dimVo;
    private final int pageSize;
    private final int stateFloats;
    private final int headDimQk;
    private final int headDimVo;
    private final boolean keysInPlace;
    private final boolean valuesInPlace;
    private final DataType keyType; // as the loops read keys: stored, or widened to f32
    private final DataType valueType;

    DecodeKernel(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, InnerLoops loops,
            DecodeLoops decode, Bound bound) {
        this.batch = batch;
        this.pages = batch.pageTable();
        this.schedule = schedule;
        this.staging = new Staging(pages, spec.pageSize(), loops);
        this.decode = decode;
        this.bound = bound;
        this.group = spec.groupSize();
        this.headDimQk = spec.headDimQk();
        this.headDimVo = spec.headDimVo();
        this.dimQk = Scratch.padded(headDimQk);
        this.dimVo = Scratch.padded(headDimVo);
        this.pageSize = spec.pageSize();
        this.stateFloats = DecodeLoops.stateFloats(group);
        this.keysInPlace = dimQk == headDimQk && decode.reads(spec.kDtype(), dimQk);
        this.valuesInPlace = dimVo == headDimVo && decode.reads(spec.vDtype(), dimVo);
        this.keyType = keysInPlace ? spec.kDtype() : DataType.F32;
        this.valueType = valuesInPlace ? spec.vDtype() : DataType.F32;
    }

    /** Copies a row of q into the order that the loops want. */
    void arrange(float[] row, float[] to, int at) {
        decode.arrange(row, 0, to, at, dimQk, keyType);
    }

    /** Copies an accumulator row back into the order of its elements. */
    void restore(float[] state, int at, float[] to) {
        decode.restore(state, at, to, 0, dimVo, valueType);
    }

    /** Computes the partial result of a chunk into {@code scratch.chunk}, whose accumulators are zero. */
    void chunk(Scratch scratch, int tile, int headFrom, int headTo, int chunk) {
        int request = schedule.request(tile);
        int kvLen = batch.kvLen(request);
        int row = schedule.firstRow(tile);
        int first = Math.max(schedule.chunkStart(chunk, kvLen), schedule.firstVisible(request, row));
        int end = Math.min(Math.min(schedule.chunkStart(chunk + 1, kvLen), kvLen),
                schedule.lastVisible(request, row) + 1);
        int heads = headTo - headFrom;
        for (int head = 0; head < heads; head++) {
            decode.clear(scratch.maxima, scratch.sums, head * stateFloats, group);
        }
        for (int token = first; token < end; token += TOKENS) {
            tokens(scratch, request, headFrom, headTo, token, Math.min(TOKENS, end - token));
        }
        int maxAt = heads * group * dimVo;
        int sumAt = maxAt + heads * group;
        for (int r = 0; r < heads * group; r++) {
            int at = r / group * stateFloats;
            float max = decode.maximum(scratch.maxima, at, group, r % group);
            float sum = decode.sum(scratch.sums, at, group, r % group);
            boolean none = max == DecodeLoops.LOWEST && sum == 0;
            scratch.chunk[maxAt + r] = none ? Float.NEGATIVE_INFINITY : max;
            scratch.chunk[sumAt + r] = sum;
        }
    }

    private void tokens(Scratch scratch, int request, int headFrom, int headTo, int token, int count) {
        int heads = headTo - headFrom;
        KvPlane k = bound.kv.k();
        // One order for K and V, though one may be staged and the other read in place.
        int spread = tokensOutside(k) ? count : 0;
        MemorySegment keys =
                keysInPlace ? locate(k, scratch.keyRows, request, headFrom, token, count, spread) : null;
        if (keys == null) {
            int together = decode.slotsTogether(group);
            for (int slot = 0; slot < TOKENS; slot += together) {
                staging.bring(k, keyType, scratch, scratch.k, scratch.keys, scratch.keyRows, headDimQk,
                        request,
                        headFrom, headTo, token, count, spread, slot, slot + together);
                decode.scores(scratch.keys, keyType, scratch.keyRows, dimQk * keyType.byteSize(), 0, heads,
                        slot, slot + together, scratch.q, dimQk, group, scratch.scores);
            }
        } else if (tokensOutside(k)) {
            decode.scores(keys, keyType, scratch.keyRows, headBytes(k), 0, heads, 0, TOKENS, scratch.q,
                    dimQk, group, scratch.scores);
        } else {
            for (int head = 0; head < heads; head++) {
                decode.scores(keys, keyType, scratch.keyRows, 0, head, 1, 0, TOKENS, scratch.q, dimQk,
                        group, scratch.scores);
                advance(scratch.keyRows, headBytes(k));
            }
        }
        decode.softmax(scratch.scores, heads, group, count, scratch.maxima, scratch.sums, scratch.chunk,
                dimVo);
        KvPlane v = bound.kv.v();
        MemorySegment values =
                valuesInPlace ? locate(v, scratch.valueRows, request, headFrom, token, count, spread) : null;
        if (values == null) {
            for (int slot = 0; slot < count; slot += STAGED_VALUES) {
                int end = Math.min(slot + STAGED_VALUES, count);
                staging.bring(v, valueType, scratch, scratch.v, scratch.values, scratch.valueRows, headDimVo,
                        request, headFrom, headTo, token, count, spread, slot, end);
                decode.weigh(scratch.values, valueType, scratch.valueRows, dimVo * valueType.byteSize(), 0,
                        heads, slot, end, scratch.scores, group, scratch.chunk, dimVo);
            }
        } else if (tokensOutside(v)) {
            decode.weigh(values, valueType, scratch.valueRows, headBytes(v), 0, heads, 0, count,
                    scratch.scores, group, scratch.chunk, dimVo);
        } else {
            for (int head = 0; head < heads; head++) {
                decode.weigh(values, valueType, scratch.valueRows, 0, head, 1, 0, count, scratch.scores,
                        group, scratch.chunk, dimVo);
                advance(scratch.valueRows, headBytes(v));
            }
        }
    }

    private static long headBytes(KvPlane plane) {
        return plane.strides().head() * plane.dtype().byteSize();
    }

    /** Returns whether the heads of a token lie side by side, so that memory is read in order token by token. */
    private static boolean tokensOutside(KvPlane plane) {
        return plane.strides().head() <= plane.strides().token();
    }

    private static void advance(long[] rows, long bytes) {
        for (int i = 0; i < TOKENS; i++) {
            rows[i] += bytes;
        }
    }

    /** Which slot a token takes: four at a time lie far apart, and each is the beginning of a stream of its own. */
    static int slot(int token, int count) {
        return count == TOKENS ? (token & 3) << 2 | token >> 2 : token;
    }

    /**
     * Finds where a tile's rows of a KV head lie.
     *
     * @return the memory that holds them all, or null if they must be staged
     */
    private @Nullable MemorySegment locate(
            KvPlane plane, long[] rows, int request, int kvHead, int token, int count, int spread) {
        Buffer buffer = plane.segmentOf(pages.pageOf(request, token));
        MemorySegment segment = HostTensors.segment(buffer);
        if (!segment.isNative()) {
            return null; // loops compiled for one kind of memory are the fastest
        }
        long step = plane.strides().token() * plane.dtype().byteSize();
        for (int i = 0; i < count;) {
            int page = pages.pageOf(request, token + i);
            int within = (token + i) % pageSize;
            if (i > 0 && plane.segmentOf(page) != buffer) {
                return null;
            }
            long at = plane.byteOffset(page, within, kvHead);
            for (; within < pageSize && i < count; within++, i++, at += step) {
                rows[slot(i, spread)] = at;
            }
        }
        for (int i = count; i < TOKENS; i++) {
            rows[i] = rows[0];
        }
        return segment;
    }
}
