package dev.heddle.backend.cpu;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCacheView;
import dev.heddle.core.spi.BackendPlan;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.ExecutionQueue;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/** A schedule, the scratch to run it, and the tensors of the run under way. */
final class CpuPlan implements BackendPlan, WorkerPool.Job {
    private final CpuBackend backend;
    private final AttentionSpec spec;
    private final PlanOptions options;
    private final ExecutionQueue queue;
    private final int dimQk;
    private final int dimVo;
    private CpuSchedule schedule;
    private Scratch[] scratch = {};
    private float[] partials = {};
    private MemorySegment states = MemorySegment.NULL; // of split units in C, statesApart bytes apart
    private long statesApart;
    private long runs;
    private AtomicIntegerArray arrived = new AtomicIntegerArray(0);
    private UnitKernel kernel;

    CpuPlan(CpuBackend backend, AttentionSpec spec, BatchShape batch, PlanOptions options,
            ExecutionQueue queue) {
        this.backend = backend;
        this.spec = spec;
        this.options = options;
        this.queue = queue;
        this.dimQk = Scratch.padded(spec.headDimQk());
        this.dimVo = Scratch.padded(spec.headDimVo());
        this.schedule = new CpuSchedule(spec, batch, options.kvSplits(),
                backend.workers().parallelism(), UnitKernel.decodes(spec, backend.loops()));
        this.kernel = new UnitKernel(spec, batch, schedule, backend.loops(), backend.callsC());
        borrow(batch);
    }

    private void borrow(BatchShape batch) {
        scratch = new Scratch[Math.max(1, Math.min(backend.workers().parallelism(), schedule.units()))];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = backend.shelf().scratch(schedule.maxRows(), schedule.maxHeads(), dimQk, dimVo);
            if (scratch[i].call != null) {
                NativeDecode.prepare(scratch[i], spec, batch, schedule);
            }
            if (schedule.prefills()) {
                scratch[i].prefill.prepare(schedule.maxRows(), dimQk, dimVo);
                if (scratch[i].prefillCall != null) {
                    NativePrefill.prepare(scratch[i].prefillCall, spec, batch, schedule);
                }
            }
        }
        statesApart = NativeDecode.stateFloats(spec, schedule) * Float.BYTES;
        if (schedule.isSplit()) {
            if (backend.callsC() && schedule.decodes()) {
                states = backend.shelf().segment(statesApart * schedule.units());
            }
            if (!backend.callsC() || schedule.prefills()) {
                borrowPartials();
            }
            arrived = new AtomicIntegerArray(schedule.tiles() * spec.numKvHeads());
        }
    }

    /** Within a run only where C cannot reach its tensors. */
    private void borrowPartials() {
        if (partials.length == 0) {
            partials = backend.shelf().floats(Math.toIntExact(schedule.slotFloats() * schedule.units()));
        }
    }

    private void giveBack() {
        for (Scratch one : scratch) {
            backend.shelf().giveBack(one);
        }
        scratch = new Scratch[0];
        if (partials.length > 0) {
            backend.shelf().giveBack(partials);
            partials = new float[0];
        }
        if (states.byteSize() > 0) {
            backend.shelf().giveBack(states);
            states = MemorySegment.NULL;
        }
    }

    @Override
    public void run(Tensor q, KvCacheView kv, Tensor out, @Nullable Tensor lse, HeadParameters heads) {
        kernel.bind(q, kv, out, lse, heads);
        runs++;
        boolean finished = false;
        try {
            if (schedule.isSplit() && !kernel.allInC()) {
                borrowPartials();
            }
            backend.workers().run(this, schedule.units());
            finished = true;
        } finally {
            kernel.unbind();
            for (Scratch one : scratch) {
                one.forget();
            }
            if (!finished) { // chunks that arrived before the failure must not count in the next run
                for (int i = 0; i < arrived.length(); i++) {
                    arrived.set(i, 0);
                }
            }
        }
    }

    @Override
    public void unit(int unit, int worker) {
        Scratch mine = scratch[worker];
        int tile = schedule.tileOf(unit);
        int within = unit - schedule.unitStart(tile);
        int chunks = schedule.chunks(tile);
        int perRange = schedule.perRange(tile);
        int range = within / perRange;
        NativeDecode inC = kernel.inC(tile);
        if (inC != null) {
            unitInC(inC, mine, unit, tile, range);
            return;
        }
        kernel.load(mine, tile, range);
        foresee(mine, unit + scratch.length);
        if (chunks == 1) {
            kernel.chunk(mine, tile, range, schedule.firstChunk(tile));
            mine.chunkIsTotal();
            kernel.store(mine, tile, range);
            return;
        }
        if (!schedule.isSplit() || chunks == 0) {
            kernel.clearTotal(mine, tile, range);
            for (int chunk = 0; chunk < chunks; chunk++) {
                foresee(mine, unit, tile, range, chunk, chunks);
                kernel.chunk(mine, tile, range, schedule.firstChunk(tile) + chunk);
                kernel.fold(mine.total, 0, mine.chunk, 0, tile, range);
            }
            kernel.store(mine, tile, range);
            return;
        }
        int slot = Math.toIntExact(unit * schedule.slotFloats());
        kernel.chunk(mine, tile, range, schedule.firstChunk(tile) + within % perRange);
        System.arraycopy(mine.chunk, 0, partials, slot, kernel.stateLength(tile, range));
        if (isLast(tile, range, chunks)) {
            kernel.clearTotal(mine, tile, range);
            int first = schedule.unitStart(tile) + range * chunks;
            for (int chunk = 0; chunk < chunks; chunk++) {
                kernel.fold(mine.total, 0, partials, Math.toIntExact((first + chunk) * schedule.slotFloats()),
                        tile, range);
            }
            kernel.store(mine, tile, range);
        }
    }

    /** Returns whether all chunks of a range have arrived: the last folds them, in their order, whoever computed them. */
    private boolean isLast(int tile, int range, int chunks) {
        int at = tile * spec.numKvHeads() + range;
        boolean last = arrived.incrementAndGet(at) == chunks;
        if (last) {
            arrived.set(at, 0);
        }
        return last;
    }

    private void unitInC(NativeDecode decode, Scratch mine, int unit, int tile, int range) {
        int chunks = schedule.chunks(tile);
        int first = schedule.firstChunk(tile);
        decode.begin(mine, tile, range, runs);
        if (schedule.isSplit() && chunks > 1) {
            foresee(mine, unit + scratch.length);
            int firstUnit = schedule.unitStart(tile) + range * chunks;
            decode.chunk(mine, tile, range, first + unit - firstUnit, states.address() + unit * statesApart);
            if (isLast(tile, range, chunks)) {
                decode.finish(mine, tile, range, states.address() + firstUnit * statesApart, chunks);
            }
            return;
        }
        long total = mine.states.address();
        for (int chunk = 0; chunk < Math.max(1, chunks); chunk++) { // without a key that is seen, one of none
            foresee(mine, unit, tile, range, chunk, chunks);
            decode.chunk(mine, tile, range, first + chunk, total + (chunk == 0 ? 0 : statesApart));
            if (chunk > 0) {
                decode.fold(mine, tile, range, total);
            }
        }
        decode.finish(mine, tile, range, total, 1);
    }

    /** Notes what comes after a chunk of a unit that has all of a range's. */
    private void foresee(Scratch mine, int unit, int tile, int range, int chunk, int chunks) {
        if (chunk + 1 < chunks) {
            mine.nextTile = tile;
            mine.nextRange = range;
            mine.nextChunk = schedule.firstChunk(tile) + chunk + 1;
        } else {
            foresee(mine, unit + scratch.length);
        }
    }

    /** Notes where a unit begins: workers take units in turn, so it is probably the one that comes next. */
    private void foresee(Scratch mine, int unit) {
        mine.nextTile = -1;
        if (unit < schedule.units()) {
            int tile = schedule.tileOf(unit);
            int within = unit - schedule.unitStart(tile);
            int perRange = schedule.perRange(tile);
            if (schedule.chunks(tile) > 0) {
                mine.nextTile = tile;
                mine.nextRange = within / perRange;
                mine.nextChunk = schedule.firstChunk(tile) + (schedule.isSplit() ? within % perRange : 0);
            }
        }
    }

    @Override
    public boolean replan(BatchShape batch) {
        CpuSchedule next = new CpuSchedule(spec, batch, options.kvSplits(),
                backend.workers().parallelism(), UnitKernel.decodes(spec, backend.loops()));
        kernel = new UnitKernel(spec, batch, next, backend.loops(), backend.callsC());
        schedule = next;
        giveBack();
        borrow(batch);
        return true;
    }

    @Override
    public ExecutionQueue queue() {
        return queue;
    }

    @Override
    public Schedule schedule() {
        long bytes = schedule.isSplit() ? schedule.slotFloats() * schedule.units() * Float.BYTES : 0;
        return new Schedule(schedule.units(), schedule.isSplit() ? schedule.maxChunks() : 1, bytes);
    }

    @Override
    public void close() {
        giveBack();
    }
}
