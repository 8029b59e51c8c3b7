package dev.heddle.backend.cpu.vector;

/** The order of elements that comes of splitting a vector of bf16 pairs: its even elements, then its odd ones. */
final class Arrangement {
    private static final int LANES = Lanes.FLOATS.length();

    private Arrangement() {}

    static void split(float[] row, int offset, float[] to, int toOffset, int dim) {
        for (int d = 0; d < dim; d += 2 * LANES) {
            for (int lane = 0; lane < LANES; lane++) {
                to[toOffset + d + lane] = row[offset + d + 2 * lane];
                to[toOffset + d + LANES + lane] = row[offset + d + 2 * lane + 1];
            }
        }
    }

    static void join(float[] row, int offset, float[] to, int toOffset, int dim) {
        for (int d = 0; d < dim; d += 2 * LANES) {
            for (int lane = 0; lane < LANES; lane++) {
                to[toOffset + d + 2 * lane] = row[offset + d + lane];
                to[toOffset + d + 2 * lane + 1] = row[offset + d + LANES + lane];
            }
        }
    }
}
