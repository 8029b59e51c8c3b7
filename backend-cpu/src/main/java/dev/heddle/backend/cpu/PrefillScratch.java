package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.PrefillLoops;

/** What one worker needs for a tile of several query rows, beside its {@link Scratch}. */
final class PrefillScratch {
    final int[] from = new int[PrefillLoops.ROWS]; // tokens of the tile that a row sees
    final int[] to = new int[PrefillLoops.ROWS];
    final float[] maxima = new float[PrefillLoops.ROWS];
    final float[] sums = new float[PrefillLoops.ROWS];
    final float[] slopes = new float[PrefillLoops.ROWS];
    final float[] offsets = new float[PrefillLoops.ROWS]; // from a row's position to the tile's first token
    float[] queries = {};
    float[] keys = {};
    float[] values = {};
    float[] weights = {};

    /** Makes room; arrays of earlier plans are used again if they are long enough. */
    void prepare(int rows, int dimQk, int dimVo) {
        queries = enough(queries, PrefillLoops.padded(rows) * dimQk);
        keys = enough(keys, PrefillLoops.TOKENS * dimQk);
        values = enough(values, PrefillLoops.TOKENS * dimVo);
        weights = enough(weights, (PrefillLoops.TOKENS + PrefillLoops.SPARE) * PrefillLoops.STRIDE);
    }

    private static float[] enough(float[] array, int length) {
        return array.length >= length ? array : new float[length];
    }
}
