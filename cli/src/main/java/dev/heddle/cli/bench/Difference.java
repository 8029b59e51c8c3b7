package dev.heddle.cli.bench;

import dev.heddle.core.tensor.DataType;

/**
 * How far two results of one request lie apart.
 *
 * @param most largest difference of an element; infinite if one of them is no number
 * @param agrees whether roundings explain it
 */
record Difference(double most, boolean agrees) {
    private static final double SUMMING = 1e-3; // of the largest element: f32 in another order, int8 rounded twice
    private static final int ROUNDINGS = 4;

    /** Compares a result with Heddle's, which was rounded to a type. */
    static Difference of(float[] other, float[] heddle, DataType rounded) {
        if (other.length != heddle.length) {
            return new Difference(Double.POSITIVE_INFINITY, false);
        }
        double most = 0;
        double largest = 0;
        for (int i = 0; i < other.length; i++) {
            double difference = Math.abs((double) other[i] - heddle[i]);
            if (!(difference <= most)) {
                most = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
            }
            largest = Math.max(largest, Math.abs(heddle[i]));
        }
        double half = switch (rounded) {
            case BF16 -> 0x1p-9;
            case F16 -> 0x1p-12;
            default -> 0x1p-25;
        };
        return new Difference(most, most <= largest * (SUMMING + ROUNDINGS * half));
    }
}
