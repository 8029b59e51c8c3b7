package dev.heddle.backend.cpu.vector;

import dev.heddle.backend.cpu.kernel.PrefillLoops;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** What happens to the scores of one vector of rows, token by token. Offsets are those of the vector's first row. */
final class PrefillSoftmax {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Integer> I = Lanes.INTS;
    private static final int STRIDE = PrefillLoops.STRIDE;
    private static final float HEADROOM = 8; // weights up to 2^8: far from overflow, and few rescalings
    private static final float LOWEST = -126; // below it the result is subnormal: taken as 0
    private static final float ROUND = 0x1.8p23f; // adding it leaves a whole number in the lower bits
    private static final float LOG2_E = 1.44269504f;
    private static final float SATURATED = 14; // tanh of it rounds to 1

    private PrefillSoftmax() {}

    static void zero(float[] s, int row, int from, int to) {
        FloatVector zero = FloatVector.zero(F);
        for (int t = from; t < to; t++) {
            zero.intoArray(s, t * STRIDE + row);
        }
    }

    /** {@code tanh x = e / (e + 2)} with {@code e = e^2x - 1}, which keeps small scores as exact as large ones. */
    static void cap(float[] s, int row, int from, int to, float cap) {
        for (int t = from; t < to; t++) {
            FloatVector score = FloatVector.fromArray(F, s, t * STRIDE + row);
            FloatVector x = score.div(cap);
            x = x.blend(SATURATED, x.compare(VectorOperators.GT, SATURATED)); // NaN stays
            x = x.blend(-SATURATED, x.compare(VectorOperators.LT, -SATURATED)).mul(2 * LOG2_E);
            FloatVector shifted = x.add(ROUND);
            FloatVector r = x.sub(shifted.sub(ROUND));
            FloatVector p = r.fma(Exponential.C6, Exponential.C5);
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C4));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C3));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C2));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C1)).mul(r);
            FloatVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23)
                    .add(0x3F80_0000).reinterpretAsFloats();
            FloatVector e = p.fma(power, power.sub(1f));
            e.div(e.add(2f)).mul(cap).intoArray(s, t * STRIDE + row);
        }
    }

    static void bias(float[] s, int row, int from, int to, float[] slopes, float[] offsets) {
        FloatVector slope = FloatVector.fromArray(F, slopes, row);
        FloatVector offset = FloatVector.fromArray(F, offsets, row);
        for (int t = from; t < to; t++) {
            slope.fma(offset.add((float) t), FloatVector.fromArray(F, s, t * STRIDE + row))
                    .intoArray(s, t * STRIDE + row);
        }
    }

    /** Scores of tokens that a row does not see become −∞. */
    static void mask(float[] s, int row, int from, int to, int[] rowsFrom, int[] rowsTo) {
        IntVector first = IntVector.fromArray(I, rowsFrom, row);
        IntVector end = IntVector.fromArray(I, rowsTo, row);
        for (int t = from; t < to; t++) {
            FloatVector x = FloatVector.fromArray(F, s, t * STRIDE + row);
            x = x.blend(Float.NEGATIVE_INFINITY,
                    first.compare(VectorOperators.GT, t).cast(F));
            x.blend(Float.NEGATIVE_INFINITY, end.compare(VectorOperators.LE, t).cast(F))
                    .intoArray(s, t * STRIDE + row);
        }
    }

    /** Returns whether a score exceeds its row's maximum by more than weights may grow. */
    static boolean exceeds(float[] s, int row, int from, int to, float[] maxima) {
        FloatVector limit = FloatVector.fromArray(F, maxima, row).add(HEADROOM);
        // One mask at a time: a mask that lives from round to round is allocated.
        for (int t = from; t < to; t++) {
            if (FloatVector.fromArray(F, s, t * STRIDE + row).compare(VectorOperators.GT, limit).anyTrue()) {
                return true;
            }
        }
        return false;
    }

    /** Raises the maxima of those rows that have such a score to their largest. */
    static void raise(float[] s, int row, int from, int to, float[] maxima) {
        FloatVector old = FloatVector.fromArray(F, maxima, row);
        FloatVector top = old;
        for (int t = from; t < to; t++) {
            FloatVector x = FloatVector.fromArray(F, s, t * STRIDE + row);
            top = top.blend(x, x.compare(VectorOperators.GT, top));
        }
        old.blend(top, top.compare(VectorOperators.GT, old.add(HEADROOM))).intoArray(maxima, row);
    }

    /** Replaces scores by weights and adds them to the sums. */
    static void weights(float[] s, int row, int from, int to, float[] maxima, float[] sums) {
        FloatVector maximum = FloatVector.fromArray(F, maxima, row);
        FloatVector sum = FloatVector.fromArray(F, sums, row);
        for (int t = from; t < to; t++) {
            FloatVector x = FloatVector.fromArray(F, s, t * STRIDE + row).sub(maximum);
            FloatVector shifted = x.add(ROUND);
            FloatVector r = x.sub(shifted.sub(ROUND));
            FloatVector p = r.fma(Exponential.C6, Exponential.C5);
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C4));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C3));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C2));
            p = p.fma(r, FloatVector.broadcast(F, Exponential.C1));
            p = p.fma(r, FloatVector.broadcast(F, 1f));
            IntVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(0x3F80_0000);
            VectorMask<Float> vanishing = x.compare(VectorOperators.LT, LOWEST);
            p = p.mul(power.reinterpretAsFloats()).blend(0f, vanishing);
            p.intoArray(s, t * STRIDE + row);
            sum = sum.add(p);
        }
        sum.intoArray(sums, row);
    }
}
