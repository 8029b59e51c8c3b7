package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.backend.cpu.kernel.PrefillLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.HostTensors;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Several query rows with one KV head over a chunk of keys, with every feature. A tile of tokens is widened once for all
 * rows; then come all scores, their softmax, and all products with values.
 */
final class PrefillKernel implements ManyRows {
    private static final int TOKENS = PrefillLoops.TOKENS;
    private static final int ROWS = PrefillLoops.ROWS;

    private final AttentionSpec spec;
    private final BatchShape batch;
    private final PageTable pages;
    private final @Nullable CustomMask mask;
    private final CpuSchedule schedule;
    private final InnerLoops loops;
    private final PrefillLoops prefill;
    private final Bound bound;
    private final int group;
    private final int dimQk;
    private final int dimVo;
    private final int segment;

    PrefillKernel(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, InnerLoops loops, Bound bound) {
        this.spec = spec;
        this.batch = batch;
        this.pages = batch.pageTable();
        this.mask = batch.customMask();
        this.schedule = schedule;
        this.loops = loops;
        this.prefill = loops.prefill();
        this.bound = bound;
        this.group = spec.groupSize();
        this.dimQk = Scratch.padded(spec.headDimQk());
        this.dimVo = Scratch.padded(spec.headDimVo());
        this.segment = segment(spec, dimQk);
    }

    /** Returns how many products of a score are added up in a row: what is rounded to 16 bits needs no care. */
    static int segment(AttentionSpec spec, int dim) {
        return spec.qDtype() == DataType.F32 || spec.outDtype() == DataType.F32 ? PrefillLoops.SEGMENT : dim;
    }

    @Override
    public boolean wantsScaledQueries() {
        return true;
    }

    @Override
    public void load(Scratch scratch, int tile, int kvHead) {
        int rows = schedule.rows(tile) * group;
        for (int row = 0; row < rows; row += ROWS) {
            prefill.arrange(scratch.q, row * dimQk, Math.min(ROWS, rows - row), dimQk,
                    scratch.prefill.queries,
                    row * dimQk);
        }
    }

    @Override
    public void chunk(Scratch scratch, int tile, int kvHead, int chunk) {
        int rows = schedule.rows(tile) * group;
        for (int row = 0; row < rows; row += ROWS) { // more than one round for huge groups only
            rows(scratch, tile, kvHead, chunk, row, Math.min(ROWS, rows - row));
        }
    }

    private void rows(Scratch scratch, int tile, int kvHead, int chunk, int row, int rows) {
        int request = schedule.request(tile);
        int kvLen = batch.kvLen(request);
        int start = schedule.chunkStart(chunk, kvLen);
        int end = Math.min(schedule.chunkStart(chunk + 1, kvLen), kvLen);
        PrefillScratch mine = scratch.prefill;
        Arrays.fill(mine.maxima, PrefillLoops.LOWEST);
        Arrays.fill(mine.sums, 0);
        if (bound.heads.alibiSlopes() != null) {
            for (int r = 0; r < PrefillLoops.padded(rows); r++) {
                int head = kvHead * group + (row + Math.min(r, rows - 1)) % group;
                mine.slopes[r] = (float) (Bound.perHead(bound.heads.alibiSlopes(), head) / Partials.LN2);
            }
        }
        int first = Math.max(start, schedule.firstVisible(request, query(tile, row)));
        int last = Math.min(end - 1, schedule.lastVisible(request, query(tile, row + rows - 1)));
        // Tiles of tokens start at multiples of TOKENS from the chunk's start, whatever these rows see.
        for (int token = start + (first - start) / TOKENS * TOKENS; token <= last; token += TOKENS) {
            tokens(scratch, tile, kvHead, row, rows, token, Math.min(token + TOKENS, end));
        }
        int maxAt = schedule.rows(tile) * group * dimVo;
        int sumAt = maxAt + schedule.rows(tile) * group;
        for (int r = 0; r < rows; r++) {
            boolean none = mine.maxima[r] == PrefillLoops.LOWEST && mine.sums[r] == 0;
            scratch.chunk[maxAt + row + r] = none ? Float.NEGATIVE_INFINITY : mine.maxima[r];
            scratch.chunk[sumAt + row + r] = mine.sums[r];
        }
    }

    /** Returns the query row, counted from the request's first, of a row of a tile. */
    private int query(int tile, int row) {
        return schedule.firstRow(tile) + row / group;
    }

    private void tokens(Scratch scratch, int tile, int kvHead, int row, int rows, int from, int to) {
        PrefillScratch mine = scratch.prefill;
        int request = schedule.request(tile);
        int count = to - from;
        boolean partly = see(mine, tile, row, rows, from, count);
        for (int token = from; token < to; token++) {
            widen(scratch, bound.kv.k(), request, token, kvHead, mine.keys, (token - from) * dimQk,
                    spec.headDimQk(),
                    dimQk);
            widen(scratch, bound.kv.v(), request, token, kvHead, scratch.row, 0, spec.headDimVo(), dimVo);
            prefill.keep(scratch.row, dimVo, mine.values, token - from);
        }
        prefill.scores(mine.queries, row * dimQk, rows, mine.keys, dimQk, segment, mine.from, mine.to,
                mine.weights);
        float cap = (float) (spec.logitsSoftCap() / Partials.LN2);
        if (cap != 0) {
            prefill.cap(mine.weights, rows, mine.from, mine.to, cap);
        }
        if (bound.heads.alibiSlopes() != null) {
            int firstPosition = batch.kvLen(request) - batch.qoLen(request);
            for (int r = 0; r < PrefillLoops.padded(rows); r++) {
                mine.offsets[r] = from - (firstPosition + query(tile, row + Math.min(r, rows - 1)));
            }
            prefill.bias(mine.weights, rows, mine.from, mine.to, mine.slopes, mine.offsets);
        }
        if (mask != null) {
            hide(mine, tile, row, rows, from);
        }
        prefill.softmax(mine.weights, rows, count, mine.from, mine.to, mine.maxima, mine.sums, scratch.chunk,
                row * dimVo, dimVo);
        // A weight of 0 hides a value from a row only if it is finite: 0 × NaN is NaN.
        if ((partly || mask != null) && !prefill.finite(mine.values, count, dimVo)) {
            weighOneByOne(scratch, tile, row, rows, from);
        } else {
            prefill.weigh(mine.weights, rows, mine.values, dimVo, mine.from, mine.to, scratch.chunk,
                    row * dimVo);
        }
    }

    /** Notes which tokens rows see by causal mask and window; returns whether one does not see all. */
    private boolean see(PrefillScratch mine, int tile, int row, int rows, int from, int count) {
        int request = schedule.request(tile);
        boolean partly = false;
        for (int r = 0; r < PrefillLoops.padded(rows); r++) {
            int query = query(tile, row + Math.min(r, rows - 1));
            int first = Math.clamp(schedule.firstVisible(request, query) - (long) from, 0, count);
            int end = Math.clamp(schedule.lastVisible(request, query) + 1L - from, first, count);
            mine.from[r] = first;
            mine.to[r] = end;
            partly |= end - first < count;
        }
        return partly;
    }

    private void widen(Scratch scratch, KvPlane plane, int request, int token, int kvHead, float[] target,
            int at, int dim, int padded) {
        int page = pages.pageOf(request, token);
        loops.widen(HostTensors.segment(plane.segmentOf(page)),
                plane.byteOffset(page, token % spec.pageSize(), kvHead), plane.dtype(), target, at, dim,
                scratch.halves);
        for (int d = dim; d < padded; d++) {
            target[at + d] = 0;
        }
    }

    private boolean hides(int tile, int row, int token) {
        int request = schedule.request(tile);
        return mask != null && !mask.visible(request, query(tile, row), token, batch.kvLen(request));
    }

    /** Makes −∞ of the scores that the custom mask hides: the same ones for all heads of a query row. */
    private void hide(PrefillScratch mine, int tile, int row, int rows, int from) {
        for (int r = 0; r < rows;) {
            int end = Math.min(rows, r + group - (row + r) % group);
            for (int t = mine.from[r]; t < mine.to[r]; t++) {
                if (hides(tile, row + r, from + t)) {
                    Arrays.fill(mine.weights, t * PrefillLoops.STRIDE + r, t * PrefillLoops.STRIDE + end,
                            Float.NEGATIVE_INFINITY);
                }
            }
            r = end;
        }
    }

    private void weighOneByOne(Scratch scratch, int tile, int row, int rows, int from) {
        PrefillScratch mine = scratch.prefill;
        for (int r = 0; r < rows; r++) {
            for (int t = mine.from[r]; t < mine.to[r]; t++) {
                if (!hides(tile, row + r, from + t)) {
                    prefill.weighRow(mine.weights, r, mine.values, dimVo, t, t + 1, scratch.chunk,
                            row * dimVo);
                }
            }
        }
    }
}
