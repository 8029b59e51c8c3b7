package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;

/** What one worker needs to compute a unit. Reused by later plans that need no more. */
final class Scratch {
    final float[] q;
    final float[] k;
    final float[] v;
    final float[] scores;
    final float[] chunk; // partial result of the chunk under way
    final float[] total; // chunks folded so far

    Scratch(int rows, int dimQk, int dimVo) {
        q = new float[rows * dimQk];
        k = new float[InnerLoops.TOKENS * dimQk];
        v = new float[InnerLoops.TOKENS * dimVo];
        scores = new float[rows * InnerLoops.TOKENS];
        chunk = new float[rows * (dimVo + 2)];
        total = new float[rows * (dimVo + 2)];
    }

    static int padded(int dim) {
        return Math.ceilDiv(dim, InnerLoops.PADDING) * InnerLoops.PADDING;
    }

    boolean holds(int rows, int dimQk, int dimVo) {
        return q.length >= rows * dimQk
                && k.length >= InnerLoops.TOKENS * dimQk
                && v.length >= InnerLoops.TOKENS * dimVo
                && scores.length >= rows * InnerLoops.TOKENS
                && chunk.length >= rows * (dimVo + 2);
    }
}
