package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.PrefillLoops;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Scores of six tokens with a panel of rows: each element of a key is broadcast to all lanes, each vector of the panel
 * holds one element of as many queries. Sums stay in registers: 24 of 32, or 12 of 16.
 */
final class PrefillScores {
    /** Tokens of a block. */
    static final int BLOCK = 6;

    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int L = F.length();
    private static final int STRIDE = PrefillLoops.STRIDE;

    private PrefillScores() {}

    /** Adds a block's scores to those of another place. */
    static void add(float[] s, int from, int to, int width) {
        for (int i = 0; i < BLOCK * STRIDE; i += STRIDE) {
            for (int r = 0; r < width; r += L) {
                FloatVector.fromArray(F, s, from + i + r).add(FloatVector.fromArray(F, s, to + i + r))
                        .intoArray(s, to + i + r);
            }
        }
    }

    /** A panel of 4 vectors. */
    static void of4(float[] k, int key, int dim, int count, float[] q, int query, float[] s, int at) {
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = FloatVector.zero(F);
        FloatVector s02 = FloatVector.zero(F);
        FloatVector s03 = FloatVector.zero(F);
        FloatVector s10 = FloatVector.zero(F);
        FloatVector s11 = FloatVector.zero(F);
        FloatVector s12 = FloatVector.zero(F);
        FloatVector s13 = FloatVector.zero(F);
        FloatVector s20 = FloatVector.zero(F);
        FloatVector s21 = FloatVector.zero(F);
        FloatVector s22 = FloatVector.zero(F);
        FloatVector s23 = FloatVector.zero(F);
        FloatVector s30 = FloatVector.zero(F);
        FloatVector s31 = FloatVector.zero(F);
        FloatVector s32 = FloatVector.zero(F);
        FloatVector s33 = FloatVector.zero(F);
        FloatVector s40 = FloatVector.zero(F);
        FloatVector s41 = FloatVector.zero(F);
        FloatVector s42 = FloatVector.zero(F);
        FloatVector s43 = FloatVector.zero(F);
        FloatVector s50 = FloatVector.zero(F);
        FloatVector s51 = FloatVector.zero(F);
        FloatVector s52 = FloatVector.zero(F);
        FloatVector s53 = FloatVector.zero(F);
        for (int d = 0; d < count; d++) {
            int x = query + d * (4 * L);
            FloatVector q0 = FloatVector.fromArray(F, q, x);
            FloatVector q1 = FloatVector.fromArray(F, q, x + L);
            FloatVector q2 = FloatVector.fromArray(F, q, x + 2 * L);
            FloatVector q3 = FloatVector.fromArray(F, q, x + 3 * L);
            FloatVector k0 = FloatVector.broadcast(F, k[key + d]);
            s00 = k0.fma(q0, s00);
            s01 = k0.fma(q1, s01);
            s02 = k0.fma(q2, s02);
            s03 = k0.fma(q3, s03);
            FloatVector k1 = FloatVector.broadcast(F, k[key + d + dim]);
            s10 = k1.fma(q0, s10);
            s11 = k1.fma(q1, s11);
            s12 = k1.fma(q2, s12);
            s13 = k1.fma(q3, s13);
            FloatVector k2 = FloatVector.broadcast(F, k[key + d + 2 * dim]);
            s20 = k2.fma(q0, s20);
            s21 = k2.fma(q1, s21);
            s22 = k2.fma(q2, s22);
            s23 = k2.fma(q3, s23);
            FloatVector k3 = FloatVector.broadcast(F, k[key + d + 3 * dim]);
            s30 = k3.fma(q0, s30);
            s31 = k3.fma(q1, s31);
            s32 = k3.fma(q2, s32);
            s33 = k3.fma(q3, s33);
            FloatVector k4 = FloatVector.broadcast(F, k[key + d + 4 * dim]);
            s40 = k4.fma(q0, s40);
            s41 = k4.fma(q1, s41);
            s42 = k4.fma(q2, s42);
            s43 = k4.fma(q3, s43);
            FloatVector k5 = FloatVector.broadcast(F, k[key + d + 5 * dim]);
            s50 = k5.fma(q0, s50);
            s51 = k5.fma(q1, s51);
            s52 = k5.fma(q2, s52);
            s53 = k5.fma(q3, s53);
        }
        s00.intoArray(s, at);
        s01.intoArray(s, at + L);
        s02.intoArray(s, at + 2 * L);
        s03.intoArray(s, at + 3 * L);
        s10.intoArray(s, at + STRIDE);
        s11.intoArray(s, at + STRIDE + L);
        s12.intoArray(s, at + STRIDE + 2 * L);
        s13.intoArray(s, at + STRIDE + 3 * L);
        s20.intoArray(s, at + 2 * STRIDE);
        s21.intoArray(s, at + 2 * STRIDE + L);
        s22.intoArray(s, at + 2 * STRIDE + 2 * L);
        s23.intoArray(s, at + 2 * STRIDE + 3 * L);
        s30.intoArray(s, at + 3 * STRIDE);
        s31.intoArray(s, at + 3 * STRIDE + L);
        s32.intoArray(s, at + 3 * STRIDE + 2 * L);
        s33.intoArray(s, at + 3 * STRIDE + 3 * L);
        s40.intoArray(s, at + 4 * STRIDE);
        s41.intoArray(s, at + 4 * STRIDE + L);
        s42.intoArray(s, at + 4 * STRIDE + 2 * L);
        s43.intoArray(s, at + 4 * STRIDE + 3 * L);
        s50.intoArray(s, at + 5 * STRIDE);
        s51.intoArray(s, at + 5 * STRIDE + L);
        s52.intoArray(s, at + 5 * STRIDE + 2 * L);
        s53.intoArray(s, at + 5 * STRIDE + 3 * L);
    }

    /** A panel of 2 vectors. */
    static void of2(float[] k, int key, int dim, int count, float[] q, int query, float[] s, int at) {
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = FloatVector.zero(F);
        FloatVector s10 = FloatVector.zero(F);
        FloatVector s11 = FloatVector.zero(F);
        FloatVector s20 = FloatVector.zero(F);
        FloatVector s21 = FloatVector.zero(F);
        FloatVector s30 = FloatVector.zero(F);
        FloatVector s31 = FloatVector.zero(F);
        FloatVector s40 = FloatVector.zero(F);
        FloatVector s41 = FloatVector.zero(F);
        FloatVector s50 = FloatVector.zero(F);
        FloatVector s51 = FloatVector.zero(F);
        for (int d = 0; d < count; d++) {
            int x = query + d * (2 * L);
            FloatVector q0 = FloatVector.fromArray(F, q, x);
            FloatVector q1 = FloatVector.fromArray(F, q, x + L);
            FloatVector k0 = FloatVector.broadcast(F, k[key + d]);
            s00 = k0.fma(q0, s00);
            s01 = k0.fma(q1, s01);
            FloatVector k1 = FloatVector.broadcast(F, k[key + d + dim]);
            s10 = k1.fma(q0, s10);
            s11 = k1.fma(q1, s11);
            FloatVector k2 = FloatVector.broadcast(F, k[key + d + 2 * dim]);
            s20 = k2.fma(q0, s20);
            s21 = k2.fma(q1, s21);
            FloatVector k3 = FloatVector.broadcast(F, k[key + d + 3 * dim]);
            s30 = k3.fma(q0, s30);
            s31 = k3.fma(q1, s31);
            FloatVector k4 = FloatVector.broadcast(F, k[key + d + 4 * dim]);
            s40 = k4.fma(q0, s40);
            s41 = k4.fma(q1, s41);
            FloatVector k5 = FloatVector.broadcast(F, k[key + d + 5 * dim]);
            s50 = k5.fma(q0, s50);
            s51 = k5.fma(q1, s51);
        }
        s00.intoArray(s, at);
        s01.intoArray(s, at + L);
        s10.intoArray(s, at + STRIDE);
        s11.intoArray(s, at + STRIDE + L);
        s20.intoArray(s, at + 2 * STRIDE);
        s21.intoArray(s, at + 2 * STRIDE + L);
        s30.intoArray(s, at + 3 * STRIDE);
        s31.intoArray(s, at + 3 * STRIDE + L);
        s40.intoArray(s, at + 4 * STRIDE);
        s41.intoArray(s, at + 4 * STRIDE + L);
        s50.intoArray(s, at + 5 * STRIDE);
        s51.intoArray(s, at + 5 * STRIDE + L);
    }

    /** A panel of 1 vector. */
    static void of1(float[] k, int key, int dim, int count, float[] q, int query, float[] s, int at) {
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s10 = FloatVector.zero(F);
        FloatVector s20 = FloatVector.zero(F);
        FloatVector s30 = FloatVector.zero(F);
        FloatVector s40 = FloatVector.zero(F);
        FloatVector s50 = FloatVector.zero(F);
        for (int d = 0; d < count; d++) {
            int x = query + d * L;
            FloatVector q0 = FloatVector.fromArray(F, q, x);
            FloatVector k0 = FloatVector.broadcast(F, k[key + d]);
            s00 = k0.fma(q0, s00);
            FloatVector k1 = FloatVector.broadcast(F, k[key + d + dim]);
            s10 = k1.fma(q0, s10);
            FloatVector k2 = FloatVector.broadcast(F, k[key + d + 2 * dim]);
            s20 = k2.fma(q0, s20);
            FloatVector k3 = FloatVector.broadcast(F, k[key + d + 3 * dim]);
            s30 = k3.fma(q0, s30);
            FloatVector k4 = FloatVector.broadcast(F, k[key + d + 4 * dim]);
            s40 = k4.fma(q0, s40);
            FloatVector k5 = FloatVector.broadcast(F, k[key + d + 5 * dim]);
            s50 = k5.fma(q0, s50);
        }
        s00.intoArray(s, at);
        s10.intoArray(s, at + STRIDE);
        s20.intoArray(s, at + 2 * STRIDE);
        s30.intoArray(s, at + 3 * STRIDE);
        s40.intoArray(s, at + 4 * STRIDE);
        s50.intoArray(s, at + 5 * STRIDE);
    }
}
