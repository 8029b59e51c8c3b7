package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Attention of one tile of query rows with a range of KV heads over one chunk of keys. A row of the tile is a KV head,
 * a query row and a head of the group: {@code row = (kv_head * queries + query) * group_size + head}.
 */
final class UnitKernel {
    private final CpuSchedule schedule;
    private final InnerLoops loops;
    private final Bound bound = new Bound();
    private final RowTransfer transfer;
    private final ManyRows prefill;
    private final @Nullable ManyRows nativePrefill;
    private final @Nullable DecodeKernel decode;
    private final @Nullable NativeDecode nativeDecode;
    private final int group;
    private final int dimVo;

    UnitKernel(AttentionSpec spec, BatchShape batch, CpuSchedule schedule, InnerLoops loops,
            boolean callsC) {
        this.schedule = schedule;
        this.loops = loops;
        this.group = spec.groupSize();
        this.dimVo = Scratch.padded(spec.headDimVo());
        this.prefill = new PrefillKernel(spec, batch, schedule, loops, bound);
        this.nativePrefill = callsC ? new NativePrefill(spec, batch, schedule, bound) : null;
        this.decode = decodes(spec, loops)
                ? new DecodeKernel(spec, batch, schedule, loops, loops.decode(), bound)
                : null;
        this.nativeDecode = callsC && decode != null ? new NativeDecode(spec, batch, schedule, bound) : null;
        this.transfer = new RowTransfer(spec, batch, schedule, loops, decode, bound);
    }

    /** Returns whether single query rows of a spec have a kernel of their own. */
    static boolean decodes(AttentionSpec spec, InnerLoops loops) {
        return loops.decode() != null && !spec.customMask() && !spec.alibi() && spec.logitsSoftCap() == 0;
    }

    void bind(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        bound.set(q, kv, out, lse, heads);
        boolean reaches = nativePrefill != null && NativeDecode.reaches(kv);
        bound.singleInC = nativeDecode != null && reaches;
        bound.many = reaches ? nativePrefill : prefill;
    }

    /** Returns what computes a tile in C from its tensors to its result, or null if that is for the other methods. */
    @Nullable
    NativeDecode inC(int tile) {
        return bound.singleInC && schedule.decodes(tile) ? nativeDecode : null;
    }

    /** Returns whether every tile is computed in C. */
    boolean allInC() {
        return bound.singleInC && !schedule.prefills();
    }

    void unbind() {
        bound.set(null, null, null, null, HeadParameters.NONE);
    }

    private int rows(int tile, int range) {
        return (schedule.headStart(tile, range + 1) - schedule.headStart(tile, range)) * schedule.rows(tile)
                * group;
    }

    int stateLength(int tile, int range) {
        return rows(tile, range) * (dimVo + 2);
    }

    /** Widens the queries, with the scale of the logits folded in. */
    void load(Scratch scratch, int tile, int range) {
        transfer.load(scratch, tile, schedule.headStart(tile, range), schedule.headStart(tile, range + 1));
        if (!schedule.decodes(tile)) {
            bound.many.load(scratch, tile, schedule.headStart(tile, range));
        }
    }

    void clearTotal(Scratch scratch, int tile, int range) {
        Partials.clear(scratch.total, 0, rows(tile, range), dimVo);
    }

    void fold(float[] into, int intoOffset, float[] next, int nextOffset, int tile, int range) {
        Partials.fold(loops, into, intoOffset, next, nextOffset, rows(tile, range), dimVo);
    }

    /** Computes the partial result of one chunk into {@code scratch.chunk}. */
    void chunk(Scratch scratch, int tile, int range, int chunk) {
        int from = schedule.headStart(tile, range);
        Partials.clear(scratch.chunk, 0, rows(tile, range), dimVo);
        if (schedule.decodes(tile)) {
            decode.chunk(scratch, tile, from, schedule.headStart(tile, range + 1), chunk);
        } else {
            bound.many.chunk(scratch, tile, from, chunk);
        }
    }

    /** Normalises the folded state in {@code scratch.total} and writes out and LSE of every row. */
    void store(Scratch scratch, int tile, int range) {
        transfer.store(scratch, tile, schedule.headStart(tile, range), schedule.headStart(tile, range + 1));
    }
}
