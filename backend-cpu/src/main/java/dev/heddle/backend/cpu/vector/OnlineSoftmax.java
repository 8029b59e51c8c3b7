package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.DecodeLoops;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The softmax of a block's tile as it lies after the loops over keys: each lane belongs to one head in all vectors of
 * the block, so maxima and sums are kept per lane, and nothing is shuffled.
 */
final class OnlineSoftmax {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int LANES = F.length();
    private static final float HEADROOM = 8; // weights up to 2^8: far from overflow, and few rescalings
    private static final float LOWEST = -126; // below it the result is subnormal: taken as 0
    private static final float ROUND = 0x1.8p23f; // adding and subtracting it rounds to a whole number

    private OnlineSoftmax() {}

    /**
     * Replaces {@code vectors} of scores by weights and adds them to the sums of their lanes.
     *
     * @param state where maxima and sums of the block begin
     */
    static void weights(float[] scores, int at, int vectors, float[] maxima, float[] sums, int state) {
        FloatVector maximum = FloatVector.fromArray(F, maxima, state);
        FloatVector sum = FloatVector.fromArray(F, sums, state);
        for (int i = 0; i < vectors; i++) {
            FloatVector x = FloatVector.fromArray(F, scores, at + i * LANES).sub(maximum);
            VectorMask<Float> vanishing = x.lt(LOWEST);
            FloatVector n = x.add(ROUND).sub(ROUND);
            FloatVector r = x.sub(n);
            FloatVector p = r.fma(Exponential.C6, Exponential.C5);
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C4));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C3));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C2));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C1));
            p = p.fma(r, FloatVector.broadcast(F, 1f));
            IntVector power = ((IntVector) n.convert(VectorOperators.F2I, 0)).add(127)
                    .lanewise(VectorOperators.LSHL, 23);
            p = p.mul(power.reinterpretAsFloats()).blend(0f, vanishing);
            p.intoArray(scores, at + i * LANES);
            sum = sum.add(p);
        }
        sum.intoArray(sums, state);
    }

    /** Returns whether a score exceeds its maximum by more than weights may grow. */
    static boolean exceeds(float[] scores, int at, int vectors, float[] maxima, int state) {
        FloatVector limit = FloatVector.fromArray(F, maxima, state).add(HEADROOM);
        // One mask at a time: a mask that lives from round to round is allocated.
        for (int i = 0; i < vectors; i++) {
            if (FloatVector.fromArray(F, scores, at + i * LANES).compare(VectorOperators.GT, limit)
                    .anyTrue()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Raises the maxima of heads to their largest scores. Rare, so in plain Java.
     *
     * @param heads heads of the block
     * @param together lanes of a vector that belong to one head, side by side
     */
    static void raise(float[] scores, int at, int vectors, int heads, int together, float[] maxima,
            float[] sums,
            int state, float[] acc, int row, int dim) {
        for (int head = 0; head < heads; head++) {
            int lane = head * together;
            float old = maxima[state + lane];
            float top = old;
            for (int i = 0; i < vectors; i++) {
                for (int t = 0; t < together; t++) {
                    top = Math.max(top, scores[at + i * LANES + lane + t]);
                }
            }
            if (top == old) {
                continue;
            }
            float factor = old == DecodeLoops.LOWEST ? 0 : (float) Math.pow(2, (double) old - top);
            for (int t = 0; t < together; t++) {
                maxima[state + lane + t] = top;
                sums[state + lane + t] *= factor;
            }
            int end = row + (head + 1) * dim;
            for (int d = end - dim; d < end; d++) {
                acc[d] *= factor;
            }
        }
    }
}
