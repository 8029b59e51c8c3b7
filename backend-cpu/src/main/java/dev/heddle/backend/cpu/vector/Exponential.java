package dev.heddle.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * 2^x for x ≤ 127 to about one unit in the last place: x is split into a whole number, which goes into the exponent,
 * and the rest r, |r| ≤ 1/2, for which a polynomial of degree 6 (minimax of the relative error, 2e-9) is enough.
 */
final class Exponential {
    static final float C1 = 0.6931471824645996f;
    static final float C2 = 0.24022647738456726f;
    static final float C3 = 0.055503323674201965f;
    static final float C4 = 0.009618437848985195f;
    static final float C5 = 0.0013398876180872321f;
    static final float C6 = 0.0001535335904918611f;

    private static final float LOWEST = -126; // below it the result is subnormal: taken as 0
    private static final float ROUND = 0x1.8p23f; // adding and subtracting it rounds to a whole number

    private Exponential() {}

    static FloatVector of(FloatVector x) {
        VectorMask<Float> vanishing = x.lt(LOWEST);
        FloatVector n = x.add(ROUND).sub(ROUND);
        FloatVector r = x.sub(n);
        FloatVector p = r.fma(C6, C5);
        p = p.fma(r, FloatVector.broadcast(x.species(), C4));
        p = p.fma(r, FloatVector.broadcast(x.species(), C3));
        p = p.fma(r, FloatVector.broadcast(x.species(), C2));
        p = p.fma(r, FloatVector.broadcast(x.species(), C1));
        p = p.fma(r, FloatVector.broadcast(x.species(), 1f));
        IntVector exponent = (IntVector) n.convert(VectorOperators.F2I, 0);
        FloatVector power = exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        return p.mul(power).blend(0f, vanishing);
    }
}
