package dev.heddle.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The vectors of this machine, and what adding up their lanes in pairs needs. */
final class Lanes {
    /** The width that the CPU prefers, at most 512 bits. */
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED.length() > 16
            ? FloatVector.SPECIES_512
            : FloatVector.SPECIES_PREFERRED;

    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    private Lanes() {}

    static VectorShuffle<Float> swap(VectorSpecies<Float> species, int distance) {
        return VectorShuffle.fromOp(species, lane -> (lane ^ distance) % species.length());
    }

    /** Returns the lanes whose number has the bit {@code distance}. */
    static VectorMask<Float> upper(VectorSpecies<Float> species, int distance) {
        long bits = 0;
        for (int lane = 0; lane < species.length(); lane++) {
            bits |= (lane & distance) != 0 ? 1L << lane : 0;
        }
        return VectorMask.fromLong(species, bits);
    }
}
