package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.HostTensors;
import org.jspecify.annotations.Nullable;

/** Several query rows with one KV head over a chunk of keys, tile of tokens by tile of tokens, with every feature. */
final class TileKernel {
    private static final int TOKENS = InnerLoops.TOKENS;

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final PageTable pages;
    private final @Nullable CustomMask mask;
    private final CpuSchedule schedule;
    private final InnerLoops loops;
    private final Bound bound;
    private final int group;
    private final int dimQk;
    private final int dimVo;

    TileKernel(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, InnerLoops loops, Bound bound) {
        this.spec = spec;
        this.batch = batch;
        this.pages = batch.pageTable();
        this.mask = batch.customMask();
        this.schedule = schedule;
        this.loops = loops;
        this.bound = bound;
        this.group = spec.groupSize();
        this.dimQk = Scratch.padded(spec.headDimQk());
        this.dimVo = Scratch.padded(spec.headDimVo());
    }

    /** Computes the partial result of a chunk into {@code scratch.chunk}, which is clear. */
    void chunk(Scratch scratch, int tile, int kvHead, int chunk) {
        int request = schedule.request(tile);
        int kvLen = batch.kvLen(request);
        int start = schedule.chunkStart(chunk, kvLen);
        int end = Math.min(schedule.chunkStart(chunk + 1, kvLen), kvLen);
        int lastRow = schedule.firstRow(tile) + schedule.rows(tile) - 1;
        int first = Math.max(start, schedule.firstVisible(request, schedule.firstRow(tile)));
        int last = Math.min(end - 1, schedule.lastVisible(request, lastRow));
        // Tiles of tokens start at multiples of TOKENS from the chunk's start, whatever this tile of rows sees.
        for (int token = start + (first - start) / TOKENS * TOKENS; token <= last; token += TOKENS) {
            tokens(scratch, tile, request, kvHead, token, Math.min(token + TOKENS, end));
        }
    }

    private void tokens(Scratch scratch, int tile, int request, int kvHead, int from, int to) {
        widenTokens(bound.kv.k(), scratch.k, spec.headDimQk(), dimQk, request, kvHead, from, to);
        widenTokens(bound.kv.v(), scratch.v, spec.headDimVo(), dimVo, request, kvHead, from, to);
        int rows = schedule.rows(tile) * group;
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
                    float factor = old == Float.NEGATIVE_INFINITY ? 0 : Partials.power(old - top);
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
        float cap = (float) (spec.logitsSoftCap() / Partials.LN2);
        if (cap != 0) {
            for (int t = visibleFrom; t < visibleTo; t++) {
                scores[at + t] = (float) (cap * Math.tanh(scores[at + t] / (double) cap));
            }
        }
        int kvLen = batch.kvLen(request);
        if (bound.heads.alibiSlopes() != null) {
            float slope = (float) (Bound.perHead(bound.heads.alibiSlopes(), qoHead) / Partials.LN2);
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
}
