package dev.heddle.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The order of elements that comes of splitting a vector of bf16 pairs: its even elements, then its odd ones. */
final class Arrangement {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int LANES = F.length();
    private static final VectorShuffle<Float> EVEN = VectorShuffle.fromOp(F, lane -> 2 * lane % LANES);
    private static final VectorShuffle<Float> ODD = VectorShuffle.fromOp(F, lane -> (2 * lane + 1) % LANES);
    private static final VectorShuffle<Float> LOW = VectorShuffle.fromOp(F, lane -> lane / 2);
    private static final VectorShuffle<Float> HIGH = VectorShuffle.fromOp(F, lane -> (LANES + lane) / 2);
    private static final VectorMask<Float> SECOND_HALF = Lanes.upper(F, LANES / 2);
    private static final VectorMask<Float> ODD_LANES = Lanes.upper(F, 1);

    private Arrangement() {}

    static void split(float[] row, int offset, float[] to, int toOffset, int dim) {
        for (int d = 0; d < dim; d += 2 * LANES) {
            FloatVector first = FloatVector.fromArray(F, row, offset + d);
            FloatVector second = FloatVector.fromArray(F, row, offset + d + LANES);
            first.rearrange(EVEN).blend(second.rearrange(EVEN), SECOND_HALF).intoArray(to, toOffset + d);
            first.rearrange(ODD).blend(second.rearrange(ODD), SECOND_HALF)
                    .intoArray(to, toOffset + d + LANES);
        }
    }

    static void join(float[] row, int offset, float[] to, int toOffset, int dim) {
        for (int d = 0; d < dim; d += 2 * LANES) {
            FloatVector even = FloatVector.fromArray(F, row, offset + d);
            FloatVector odd = FloatVector.fromArray(F, row, offset + d + LANES);
            even.rearrange(LOW).blend(odd.rearrange(LOW), ODD_LANES).intoArray(to, toOffset + d);
            even.rearrange(HIGH).blend(odd.rearrange(HIGH), ODD_LANES).intoArray(to, toOffset + d + LANES);
        }
    }
}
