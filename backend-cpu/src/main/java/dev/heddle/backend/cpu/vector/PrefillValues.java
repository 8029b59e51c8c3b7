package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.PrefillLoops;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of weights and values: some rows with a panel of values, which is two vectors wide and lies token by token.
 * Each weight is broadcast to all lanes. Sums stay in registers: 24 of 32, or 8 of 16, where 12 were spilled.
 */
final class PrefillValues {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int L = F.length();
    private static final int STRIDE = PrefillLoops.STRIDE;

    /** Elements of a panel. */
    static final int PANEL = 2 * L;

    private PrefillValues() {}

    /** Twelve rows. */
    static void of12(float[] p, int from, int to, int row, float[] v, int panel, float[] acc, int at,
            int dim) {
        FloatVector a0a = FloatVector.fromArray(F, acc, at);
        FloatVector a0b = FloatVector.fromArray(F, acc, at + L);
        FloatVector a1a = FloatVector.fromArray(F, acc, at + dim);
        FloatVector a1b = FloatVector.fromArray(F, acc, at + dim + L);
        FloatVector a2a = FloatVector.fromArray(F, acc, at + 2 * dim);
        FloatVector a2b = FloatVector.fromArray(F, acc, at + 2 * dim + L);
        FloatVector a3a = FloatVector.fromArray(F, acc, at + 3 * dim);
        FloatVector a3b = FloatVector.fromArray(F, acc, at + 3 * dim + L);
        FloatVector a4a = FloatVector.fromArray(F, acc, at + 4 * dim);
        FloatVector a4b = FloatVector.fromArray(F, acc, at + 4 * dim + L);
        FloatVector a5a = FloatVector.fromArray(F, acc, at + 5 * dim);
        FloatVector a5b = FloatVector.fromArray(F, acc, at + 5 * dim + L);
        FloatVector a6a = FloatVector.fromArray(F, acc, at + 6 * dim);
        FloatVector a6b = FloatVector.fromArray(F, acc, at + 6 * dim + L);
        FloatVector a7a = FloatVector.fromArray(F, acc, at + 7 * dim);
        FloatVector a7b = FloatVector.fromArray(F, acc, at + 7 * dim + L);
        FloatVector a8a = FloatVector.fromArray(F, acc, at + 8 * dim);
        FloatVector a8b = FloatVector.fromArray(F, acc, at + 8 * dim + L);
        FloatVector a9a = FloatVector.fromArray(F, acc, at + 9 * dim);
        FloatVector a9b = FloatVector.fromArray(F, acc, at + 9 * dim + L);
        FloatVector a10a = FloatVector.fromArray(F, acc, at + 10 * dim);
        FloatVector a10b = FloatVector.fromArray(F, acc, at + 10 * dim + L);
        FloatVector a11a = FloatVector.fromArray(F, acc, at + 11 * dim);
        FloatVector a11b = FloatVector.fromArray(F, acc, at + 11 * dim + L);
        for (int t = from; t < to; t++) {
            int x = row + t * STRIDE;
            int y = panel + t * PANEL;
            FloatVector va = FloatVector.fromArray(F, v, y);
            FloatVector vb = FloatVector.fromArray(F, v, y + L);
            FloatVector p0 = FloatVector.broadcast(F, p[x]);
            a0a = p0.fma(va, a0a);
            a0b = p0.fma(vb, a0b);
            FloatVector p1 = FloatVector.broadcast(F, p[x + 1]);
            a1a = p1.fma(va, a1a);
            a1b = p1.fma(vb, a1b);
            FloatVector p2 = FloatVector.broadcast(F, p[x + 2]);
            a2a = p2.fma(va, a2a);
            a2b = p2.fma(vb, a2b);
            FloatVector p3 = FloatVector.broadcast(F, p[x + 3]);
            a3a = p3.fma(va, a3a);
            a3b = p3.fma(vb, a3b);
            FloatVector p4 = FloatVector.broadcast(F, p[x + 4]);
            a4a = p4.fma(va, a4a);
            a4b = p4.fma(vb, a4b);
            FloatVector p5 = FloatVector.broadcast(F, p[x + 5]);
            a5a = p5.fma(va, a5a);
            a5b = p5.fma(vb, a5b);
            FloatVector p6 = FloatVector.broadcast(F, p[x + 6]);
            a6a = p6.fma(va, a6a);
            a6b = p6.fma(vb, a6b);
            FloatVector p7 = FloatVector.broadcast(F, p[x + 7]);
            a7a = p7.fma(va, a7a);
            a7b = p7.fma(vb, a7b);
            FloatVector p8 = FloatVector.broadcast(F, p[x + 8]);
            a8a = p8.fma(va, a8a);
            a8b = p8.fma(vb, a8b);
            FloatVector p9 = FloatVector.broadcast(F, p[x + 9]);
            a9a = p9.fma(va, a9a);
            a9b = p9.fma(vb, a9b);
            FloatVector p10 = FloatVector.broadcast(F, p[x + 10]);
            a10a = p10.fma(va, a10a);
            a10b = p10.fma(vb, a10b);
            FloatVector p11 = FloatVector.broadcast(F, p[x + 11]);
            a11a = p11.fma(va, a11a);
            a11b = p11.fma(vb, a11b);
        }
        a0a.intoArray(acc, at);
        a0b.intoArray(acc, at + L);
        a1a.intoArray(acc, at + dim);
        a1b.intoArray(acc, at + dim + L);
        a2a.intoArray(acc, at + 2 * dim);
        a2b.intoArray(acc, at + 2 * dim + L);
        a3a.intoArray(acc, at + 3 * dim);
        a3b.intoArray(acc, at + 3 * dim + L);
        a4a.intoArray(acc, at + 4 * dim);
        a4b.intoArray(acc, at + 4 * dim + L);
        a5a.intoArray(acc, at + 5 * dim);
        a5b.intoArray(acc, at + 5 * dim + L);
        a6a.intoArray(acc, at + 6 * dim);
        a6b.intoArray(acc, at + 6 * dim + L);
        a7a.intoArray(acc, at + 7 * dim);
        a7b.intoArray(acc, at + 7 * dim + L);
        a8a.intoArray(acc, at + 8 * dim);
        a8b.intoArray(acc, at + 8 * dim + L);
        a9a.intoArray(acc, at + 9 * dim);
        a9b.intoArray(acc, at + 9 * dim + L);
        a10a.intoArray(acc, at + 10 * dim);
        a10b.intoArray(acc, at + 10 * dim + L);
        a11a.intoArray(acc, at + 11 * dim);
        a11b.intoArray(acc, at + 11 * dim + L);
    }

    /** Four rows. */
    static void of4(float[] p, int from, int to, int row, float[] v, int panel, float[] acc, int at,
            int dim) {
        FloatVector a0a = FloatVector.fromArray(F, acc, at);
        FloatVector a0b = FloatVector.fromArray(F, acc, at + L);
        FloatVector a1a = FloatVector.fromArray(F, acc, at + dim);
        FloatVector a1b = FloatVector.fromArray(F, acc, at + dim + L);
        FloatVector a2a = FloatVector.fromArray(F, acc, at + 2 * dim);
        FloatVector a2b = FloatVector.fromArray(F, acc, at + 2 * dim + L);
        FloatVector a3a = FloatVector.fromArray(F, acc, at + 3 * dim);
        FloatVector a3b = FloatVector.fromArray(F, acc, at + 3 * dim + L);
        for (int t = from; t < to; t++) {
            int x = row + t * STRIDE;
            int y = panel + t * PANEL;
            FloatVector va = FloatVector.fromArray(F, v, y);
            FloatVector vb = FloatVector.fromArray(F, v, y + L);
            FloatVector p0 = FloatVector.broadcast(F, p[x]);
            a0a = p0.fma(va, a0a);
            a0b = p0.fma(vb, a0b);
            FloatVector p1 = FloatVector.broadcast(F, p[x + 1]);
            a1a = p1.fma(va, a1a);
            a1b = p1.fma(vb, a1b);
            FloatVector p2 = FloatVector.broadcast(F, p[x + 2]);
            a2a = p2.fma(va, a2a);
            a2b = p2.fma(vb, a2b);
            FloatVector p3 = FloatVector.broadcast(F, p[x + 3]);
            a3a = p3.fma(va, a3a);
            a3b = p3.fma(vb, a3b);
        }
        a0a.intoArray(acc, at);
        a0b.intoArray(acc, at + L);
        a1a.intoArray(acc, at + dim);
        a1b.intoArray(acc, at + dim + L);
        a2a.intoArray(acc, at + 2 * dim);
        a2b.intoArray(acc, at + 2 * dim + L);
        a3a.intoArray(acc, at + 3 * dim);
        a3b.intoArray(acc, at + 3 * dim + L);
    }

    /** One row with four panels. */
    static void row4(float[] p, int from, int to, int row, float[] v, int panel, int next, float[] acc,
            int at) {
        FloatVector a0 = FloatVector.fromArray(F, acc, at);
        FloatVector a1 = FloatVector.fromArray(F, acc, at + L);
        FloatVector a2 = FloatVector.fromArray(F, acc, at + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, acc, at + 3 * L);
        FloatVector a4 = FloatVector.fromArray(F, acc, at + 4 * L);
        FloatVector a5 = FloatVector.fromArray(F, acc, at + 5 * L);
        FloatVector a6 = FloatVector.fromArray(F, acc, at + 6 * L);
        FloatVector a7 = FloatVector.fromArray(F, acc, at + 7 * L);
        for (int t = from; t < to; t++) {
            FloatVector w = FloatVector.broadcast(F, p[row + t * STRIDE]);
            int x = panel + t * PANEL;
            a0 = w.fma(FloatVector.fromArray(F, v, x), a0);
            a1 = w.fma(FloatVector.fromArray(F, v, x + L), a1);
            a2 = w.fma(FloatVector.fromArray(F, v, x + next), a2);
            a3 = w.fma(FloatVector.fromArray(F, v, x + next + L), a3);
            a4 = w.fma(FloatVector.fromArray(F, v, x + 2 * next), a4);
            a5 = w.fma(FloatVector.fromArray(F, v, x + 2 * next + L), a5);
            a6 = w.fma(FloatVector.fromArray(F, v, x + 3 * next), a6);
            a7 = w.fma(FloatVector.fromArray(F, v, x + 3 * next + L), a7);
        }
        a0.intoArray(acc, at);
        a1.intoArray(acc, at + L);
        a2.intoArray(acc, at + 2 * L);
        a3.intoArray(acc, at + 3 * L);
        a4.intoArray(acc, at + 4 * L);
        a5.intoArray(acc, at + 5 * L);
        a6.intoArray(acc, at + 6 * L);
        a7.intoArray(acc, at + 7 * L);
    }

    /** One row with one panel. */
    static void row1(float[] p, int from, int to, int row, float[] v, int panel, float[] acc, int at) {
        FloatVector a = FloatVector.fromArray(F, acc, at);
        FloatVector b = FloatVector.fromArray(F, acc, at + L);
        for (int t = from; t < to; t++) {
            FloatVector w = FloatVector.broadcast(F, p[row + t * STRIDE]);
            int x = panel + t * PANEL;
            a = w.fma(FloatVector.fromArray(F, v, x), a);
            b = w.fma(FloatVector.fromArray(F, v, x + L), b);
        }
        a.intoArray(acc, at);
        b.intoArray(acc, at + L);
    }
}
