package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.ffm.DecodeCall;
import dev.heddle.backend.cpu.ffm.PrefillCall;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.CustomMask;
import dev.heddle.core.cache.KvPlane;
import dev.heddle.core.tensor.DataType;
import org.jspecify.annotations.Nullable;

/** Several query rows by the kernel in C, which walks over a whole chunk in one call. */
final class NativePrefill implements ManyRows {
    private final AttentionSpec spec;
    private final BatchShape batch;
    private final @Nullable CustomMask mask;
    private final CpuSchedule schedule;
    private final Bound bound;
    private final int group;
    private final int dimQk;
    private final int dimVo;

    NativePrefill(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, Bound bound) {
        this.spec = spec;
        this.batch = batch;
        this.mask = batch.customMask();
        this.schedule = schedule;
        this.bound = bound;
        this.group = spec.groupSize();
        this.dimQk = Scratch.padded(spec.headDimQk());
        this.dimVo = Scratch.padded(spec.headDimVo());
    }

    /** Makes room for the longest chunk of a schedule. */
    static void prepare(PrefillCall call, AttentionSpec spec, BatchShape batch, CpuSchedule schedule) {
        int tokens = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            tokens = Math.max(tokens, schedule.longestChunk(batch.kvLen(i)));
        }
        // Weights of 8 bits are too coarse for a result of 24.
        boolean bf16 = spec.qDtype() == DataType.BF16 && spec.outDtype() == DataType.BF16;
        call.prepare(spec, tokens, schedule.maxRows(),
                PrefillKernel.segment(spec, spec.headDimQk()), bf16);
    }

    @Override
    public boolean wantsScaledQueries() {
        return false; // bf16 queries must stay bf16
    }

    @Override
    public void load(Scratch scratch, int tile, int kvHead) {
        PrefillCall call = scratch.prefillCall;
        call.load(scratch.q, schedule.rows(tile) * group, spec.headDimQk(), dimQk,
                RowTransfer.scale(spec, bound, kvHead));
        if (bound.heads.alibiSlopes() != null) {
            for (int head = 0; head < group; head++) {
                double slope = Bound.perHead(bound.heads.alibiSlopes(), kvHead * group + head);
                call.slope(head, (float) (slope / Partials.LN2));
            }
        }
    }

    @Override
    public void chunk(Scratch scratch, int tile, int kvHead, int chunk) {
        PrefillCall call = scratch.prefillCall;
        int request = schedule.request(tile);
        int kvLen = batch.kvLen(request);
        int start = schedule.chunkStart(chunk, kvLen);
        int end = Math.min(schedule.chunkStart(chunk + 1, kvLen), kvLen);
        for (int query = 0; query < schedule.rows(tile); query++) {
            int row = schedule.firstRow(tile) + query;
            int first = Math.clamp(schedule.firstVisible(request, row) - (long) start, 0, end - start);
            int last = Math.clamp(schedule.lastVisible(request, row) + 1L - start, first, end - start);
            int position = kvLen - batch.qoLen(request) + row;
            call.see(query, first, last, start - position);
            if (mask != null) {
                mask(call, request, row, query, start, end - start);
            }
        }
        KvPlane k = bound.kv.k();
        KvPlane v = bound.kv.v();
        call.place(k, v, batch.pageTable(), request, spec.pageSize(), start, end, kvHead);
        call.run(k, v);
        int rows = schedule.rows(tile) * group;
        call.take(scratch.chunk, rows, spec.headDimVo(), dimVo);
        int maxAt = rows * dimVo;
        int sumAt = maxAt + rows;
        for (int r = 0; r < rows; r++) {
            float max = call.max(r);
            float sum = call.sum(r);
            scratch.chunk[maxAt + r] =
                    max == DecodeCall.LOWEST && sum == 0 ? Float.NEGATIVE_INFINITY : max;
            scratch.chunk[sumAt + r] = sum;
        }
    }

    /** Copies a query row's bits of some tokens, so that the first becomes bit 0. */
    private void mask(PrefillCall call, int request, int row, int query, int start, int tokens) {
        long bit = mask.maskIndptr(request) + (long) row * batch.kvLen(request) + start;
        int words = PrefillCall.words(tokens);
        int shift = (int) (bit % Long.SIZE);
        for (int i = 0; i < words; i++) {
            int word = (int) (bit / Long.SIZE) + i;
            long bits = mask.word(word) >>> shift;
            if (shift > 0 && word + 1 < mask.words()) {
                bits |= mask.word(word + 1) << -shift;
            }
            call.mask(query * words + i, bits);
        }
    }
}
