package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.ffm.DecodeCall;
import dev.heddle.backend.cpu.ffm.PrefillCall;
import dev.heddle.backend.cpu.ffm.ResultCall;
import dev.heddle.backend.cpu.kernel.DecodeLoops;
import dev.heddle.backend.cpu.kernel.InnerLoops;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** What one worker needs to compute a unit. Reused by later plans that need no more. */
final class Scratch {
    private static final int ALIGNMENT = 64;

    final float[] q;
    final float[] k;
    final float[] v;
    final short[] halves; // on the way to f32
    final float[] scores;
    float[] chunk; // partial result of the chunk under way
    float[] total; // chunks folded so far
    final float[] row; // one row on its way from or to a tensor
    final float[] maxima; // of the row under way, as the decode loops keep them
    final float[] sums;
    final long[] keyRows = new long[DecodeLoops.TOKENS];
    final long[] valueRows = new long[DecodeLoops.TOKENS];
    final MemorySegment keys; // a tile that cannot be read where it is stored
    final MemorySegment values;
    final PrefillScratch prefill = new PrefillScratch();
    final @Nullable DecodeCall call; // of the kernels in C
    final @Nullable ResultCall result;
    final @Nullable PrefillCall prefillCall;
    MemorySegment states = MemorySegment.NULL; // what kernels in C left of a unit that is not split
    long calledRun; // whose queries kernels in C have
    int calledTile;
    int calledRange;
    int nextTile; // what this worker will probably compute next; tile -1: nothing
    int nextRange;
    int nextChunk;

    /**
     * @param heads KV heads whose rows are staged together
     * @param call whether kernels in C will use it
     */
    Scratch(int rows, int heads, int dimQk, int dimVo, boolean call) {
        this.call = call ? new DecodeCall() : null;
        this.result = call ? new ResultCall() : null;
        this.prefillCall = call ? new PrefillCall() : null;
        q = new float[rows * dimQk];
        k = new float[Math.max(InnerLoops.TOKENS, heads) * dimQk];
        v = new float[Math.max(InnerLoops.TOKENS, heads) * dimVo];
        halves = new short[Math.max(k.length, v.length)];
        scores = new float[rows * DecodeLoops.scoreFloats(1)];
        chunk = new float[rows * (dimVo + 2)];
        total = new float[rows * (dimVo + 2)];
        row = new float[Math.max(dimQk, dimVo)];
        maxima = new float[rows * DecodeLoops.BLOCK_FLOATS];
        sums = new float[rows * DecodeLoops.BLOCK_FLOATS];
        // Freed with this object: nobody closes a scratch, plans hand it on.
        keys = Arena.ofAuto().allocate((long) DecodeLoops.TOKENS * heads * dimQk * Float.BYTES, ALIGNMENT);
        values = Arena.ofAuto().allocate((long) DecodeLoops.TOKENS * heads * dimVo * Float.BYTES, ALIGNMENT);
    }

    /** Makes room for states of kernels in C. */
    void states(long bytes) {
        if (states.byteSize() < bytes) {
            states = Arena.ofAuto().allocate(bytes, ALIGNMENT);
        }
    }

    /** Forgets the tensors of a run that is over. */
    void forget() {
        if (call != null) {
            call.release();
        }
    }

    /** Makes the partial result of an only chunk the total: there is nothing to fold. */
    void chunkIsTotal() {
        float[] only = chunk;
        chunk = total;
        total = only;
    }

    static int padded(int dim) {
        return Math.ceilDiv(dim, InnerLoops.PADDING) * InnerLoops.PADDING;
    }

    boolean holds(int rows, int heads, int dimQk, int dimVo) {
        return q.length >= rows * dimQk
                && row.length >= Math.max(dimQk, dimVo)
                && k.length >= Math.max(InnerLoops.TOKENS, heads) * dimQk
                && v.length >= Math.max(InnerLoops.TOKENS, heads) * dimVo
                && scores.length >= rows * DecodeLoops.scoreFloats(1)
                && keys.byteSize() >= (long) DecodeLoops.TOKENS * heads * dimQk * Float.BYTES
                && values.byteSize() >= (long) DecodeLoops.TOKENS * heads * dimVo * Float.BYTES
                && maxima.length >= rows * DecodeLoops.BLOCK_FLOATS
                && chunk.length >= rows * (dimVo + 2);
    }
}
