package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Attention of one tile of query rows with one KV head over one chunk of keys, tile of tokens by tile of tokens. A
 * row of the tile is a query row and a head of the group: {@code row = query * group_size + head}.
 */
final class UnitKernel {
    private static final int TOKENS = InnerLoops.TOKENS;

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final PageTable pages;
    private final @Nullable CustomMask mask;
    private final CpuSchedule schedule;
    private final InnerLoops loops;
    private final int group;
    private final int dimQk;
    private final int dimVo;

    private @Nullable Tensor q;
    private @Nullable KvCacheView kv;
    private @Nullable Tensor out;
    private @Nullable Tensor lse;
    private HeadParameters heads = HeadParameters.NONE;

    UnitKernel(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, InnerLoops loops) {
        this.spec = spec;
        this.batch = batch;
        this.pages = batch.pageTable();
        this.mask = batch.customMask();
        this.schedule = schedule;
        this.loops = loops;
        this.group = spec.groupSize();
        this.dimQk = Scratch.padded(spec.headDimQk());
        this.dimVo = Scratch.padded(spec.headDimVo());
    }

    void bind(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        this.q = q;
        this.kv = kv;
        this.out = out;
        this.lse = lse;
        this.heads = heads;
    }

    void unbind() {
        bind(null, null, null, null, HeadParameters.NONE);
    }

    private int rows(int tile) {
        return schedule.rows(tile) * group;
    }

    int stateLength(int tile) {
        return rows(tile) * (dimVo + 2);
    }

    /** Widens the tile's queries, with the scale of the logits folded in. */
    void load(Scratch scratch, int tile, int kvHead) {
        MemorySegment segment = HostTensors.segment(q.buffer());
        int size = spec.qDtype().byteSize();
        long firstRow = batch.qoIndptr(schedule.request(tile)) + schedule.firstRow(tile);
        float scale = spec.smScale() * kv.scales().k(kvHead);
        int dim = spec.headDimQk();
        for (int query = 0; query < schedule.rows(tile); query++) {
            for (int head = 0; head < group; head++) {
                long element =
                        (firstRow + query) * q.stride(0) + (long) (kvHead * group + head) * q.stride(1);
                int at = (query * group + head) * dimQk;
                loops.widen(segment, q.byteOffset() + element * size, spec.qDtype(), scratch.q, at, dim);
                for (int d = dim; d < dimQk; d++) {
                    scratch.q[at + d] = 0; // other plans used this scratch before
                }
                loops.scale(scratch.q, at, dimQk, scale);
            }
        }
    }

    void clearTotal(Scratch scratch, int tile) {
        Partials.clear(scratch.total, 0, rows(tile), dimVo);
    }

    void fold(float[] into, int intoOffset, float[] next, int nextOffset, int tile) {
        Partials.fold(into, intoOffset, next, nextOffset, rows(tile), dimVo);
    }

    /** Computes the partial result of one chunk into {@code scratch.chunk}. */
    void chunk(Scratch scratch, int tile, int kvHead, int chunk) {
        int request = schedule.request(tile);
        int kvLen = batch.kvLen(request);
        int start = schedule.chunkStart(chunk, kvLen);
        int end = Math.min(schedule.chunkStart(chunk + 1, kvLen), kvLen);
        Partials.clear(scratch.chunk, 0, rows(tile), dimVo);
        int lastRow = schedule.firstRow(tile) + schedule.rows(tile) - 1;
        int first = Math.max(start, schedule.firstVisible(request, schedule.firstRow(tile)));
        int last = Math.min(end - 1, schedule.lastVisible(request, lastRow));
        // Tiles of tokens start at multiples of TOKENS from the chunk's start, whatever this tile of rows sees.
        for (int token = start + (first - start) / TOKENS * TOKENS; token <= last; token += TOKENS) {
            tokens(scratch, tile, request, kvHead, token, Math.min(token + TOKENS, end));
        }
    }

    private void tokens(Scratch scratch, int tile, int request, int kvHead, int from, int to) {
        widenTokens(kv.k(), scratch.k, spec.headDimQk(), dimQk, request, kvHead, from, to);
        widenTokens(kv.v(), scratch.v, spec.headDimVo(), dimVo, request, kvHead, from, to);
        int rows = rows(tile);
        int maxAt = rows * dimVo;
        int sumAt = maxAt + rows;
        float[] state = scratch.chunk;
        for (int query = 0; query < schedule.rows(tile); query++) {
            int row = schedule.firstRow(tile) + query;
            int visibleFrom = Math.max(from, schedule.firstVisible(request, row)) - from;
            int visibleTo = Math.min(to, schedule.lastVisible(request, row) + 1) - from;
            if (visibleFrom >= visibleTo) {
                continue;
            }
            for (int head = 0; head < group; head++) {
                int r = query * group + head;
                int scores = r * TOKENS;
                loops.scores(scratch.q, r * dimQk, scratch.k, dimQk, scratch.scores, scores);
                float max =
                        shape(scratch.scores, scores, request, row, kvHead * group + head, from, visibleFrom,
                                visibleTo);
                if (max == Float.NEGATIVE_INFINITY) {
                    continue; // the custom mask shows none of these keys
                }
                float old = state[maxAt + r];
                float top = Math.max(old, max);
                if (top != old) {
                    float factor = old == Float.NEGATIVE_INFINITY ? 0 : (float) Math.exp((double) old - top);
                    loops.scale(state, r * dimVo, dimVo, factor);
                    state[sumAt + r] *= factor;
                    state[maxAt + r] = top;
                }
                state[sumAt + r] += loops.exponentials(scratch.scores, scores, top);
                weigh(scratch, scores, request, row, from, visibleFrom, visibleTo, r * dimVo);
            }
        }
    }

    private void widenTokens(
            KvPlane plane, float[] target, int dim, int padded, int request, int kvHead, int from, int to) {
        int pageSize = spec.pageSize();
        for (int token = from; token < to; token++) {
            int page = pages.pageOf(request, token);
            int at = (token - from) * padded;
            loops.widen(HostTensors.segment(plane.segmentOf(page)),
                    plane.byteOffset(page, token % pageSize, kvHead),
                    plane.dtype(), target, at, dim);
            for (int d = dim; d < padded; d++) {
                target[at + d] = 0;
            }
        }
    }

    /** Caps, biases and masks one row's scores; returns the largest that is visible. NaN wins. */
    private float shape(
            float[] scores, int at, int request, int row, int qoHead, int from, int visibleFrom,
            int visibleTo) {
        for (int t = 0; t < visibleFrom; t++) {
            scores[at + t] = Float.NEGATIVE_INFINITY;
        }
        for (int t = visibleTo; t < TOKENS; t++) {
            scores[at + t] = Float.NEGATIVE_INFINITY;
        }
        float cap = spec.logitsSoftCap();
        if (cap != 0) {
            for (int t = visibleFrom; t < visibleTo; t++) {
                scores[at + t] = (float) (cap * Math.tanh(scores[at + t] / (double) cap));
            }
        }
        int kvLen = batch.kvLen(request);
        if (heads.alibiSlopes() != null) {
            float slope = perHead(heads.alibiSlopes(), qoHead);
            int position = kvLen - batch.qoLen(request) + row;
            for (int t = visibleFrom; t < visibleTo; t++) {
                scores[at + t] += slope * (from + t - position);
            }
        }
        float max = Float.NEGATIVE_INFINITY;
        for (int t = visibleFrom; t < visibleTo; t++) {
            if (mask != null && !mask.visible(request, row, from + t, kvLen)) {
                scores[at + t] = Float.NEGATIVE_INFINITY;
            }
            max = Math.max(max, scores[at + t]);
        }
        return max;
    }

    /** Adds p·v of the visible tokens: a masked value is never touched, since 0 × NaN is NaN. */
    private void weigh(
            Scratch scratch, int scores, int request, int row, int from, int visibleFrom, int visibleTo,
            int acc) {
        if (mask == null) {
            loops.accumulate(scratch.scores, scores, visibleFrom, visibleTo, scratch.v, dimVo, scratch.chunk,
                    acc);
            return;
        }
        int kvLen = batch.kvLen(request);
        for (int t = visibleFrom; t < visibleTo; t++) {
            if (mask.visible(request, row, from + t, kvLen)) {
                loops.accumulate(scratch.scores, scores, t, t + 1, scratch.v, dimVo, scratch.chunk, acc);
            }
        }
    }

    /** Normalises a folded state and writes out and LSE of every row of the tile. */
    void store(float[] state, int offset, int tile, int kvHead) {
        MemorySegment target = HostTensors.segment(out.buffer());
        DataType dtype = spec.outDtype();
        long firstRow = batch.qoIndptr(schedule.request(tile)) + schedule.firstRow(tile);
        int rows = rows(tile);
        float vScale = kv.scales().v(kvHead);
        for (int r = 0; r < rows; r++) {
            int qoHead = kvHead * group + r % group;
            double max = state[offset + rows * dimVo + r];
            double sum = state[offset + rows * (dimVo + 1) + r];
            double weight = 1;
            if (heads.sinks() != null) {
                double sink = perHead(heads.sinks(), qoHead);
                double top = Math.max(max, sink);
                weight = max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(max - top);
                sum = sum * weight + (sink == Double.NEGATIVE_INFINITY ? 0 : Math.exp(sink - top));
                max = top;
            }
            double factor = sum == 0 ? 0 : weight * vScale / sum;
            long row = firstRow + r / group;
            long at = out.byteOffset() + (row * out.stride(0) + qoHead * out.stride(1)) * dtype.byteSize();
            for (int d = 0; d < spec.headDimVo(); d++) {
                HostTensors.set(target, dtype, at + (long) d * dtype.byteSize(),
                        (float) (state[offset + r * dimVo + d] * factor));
            }
            if (lse != null) {
                long lseAt = lse.byteOffset() + Float.BYTES * (row * lse.stride(0) + qoHead * lse.stride(1));
                HostTensors.set(HostTensors.segment(lse.buffer()), DataType.F32, lseAt,
                        sum == 0 ? Float.NEGATIVE_INFINITY : (float) (max + Math.log(sum)));
            }
        }
    }

    private static float perHead(Tensor values, int qoHead) {
        return HostTensors.get(HostTensors.segment(values.buffer()), DataType.F32,
                values.byteOffset() + Float.BYTES * qoHead * values.stride(0));
    }
}
