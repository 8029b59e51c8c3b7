package dev.heddle.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * e^x for x ≤ 0 to about one unit in the last place: Cody and Waite's reduction to |r| ≤ ln 2 / 2, a polynomial of
 * degree 6 (coefficients of Cephes' {@code expf}), and a scaling by bits.
 */
final class Exponential {
    private static final float LOWEST = -87.3f; // below it the result is subnormal: taken as 0
    private static final float LOG2_E = 1.44269504088896341f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    private static final float ROUND = 0x1.8p23f; // adding and subtracting it rounds to a whole number

    private Exponential() {}

    static FloatVector of(FloatVector x) {
        VectorMask<Float> vanishing = x.lt(LOWEST);
        FloatVector n = x.mul(LOG2_E).add(ROUND).sub(ROUND);
        FloatVector r = n.neg().fma(FloatVector.broadcast(x.species(), LN2_HIGH), x);
        r = n.neg().fma(FloatVector.broadcast(x.species(), LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(x.species(), 1.9875691500e-4f);
        p = p.fma(r, FloatVector.broadcast(x.species(), 1.3981999507e-3f));
        p = p.fma(r, FloatVector.broadcast(x.species(), 8.3334519073e-3f));
        p = p.fma(r, FloatVector.broadcast(x.species(), 4.1665795894e-2f));
        p = p.fma(r, FloatVector.broadcast(x.species(), 1.6666665459e-1f));
        p = p.fma(r, FloatVector.broadcast(x.species(), 5.0000001201e-1f));
        p = p.fma(r.mul(r), r).add(1f);
        IntVector exponent = (IntVector) n.convert(VectorOperators.F2I, 0);
        FloatVector power = exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        return p.mul(power).blend(0f, vanishing);
    }
}
