package dev.heddle.conformance.oracle;

import java.util.Arrays;

/**
 * Dot products in f32 of a query row with keys, each summed in five orders: first to last, last to first, and as vector
 * units do, in 4, 8 or 16 interleaved sums that are added up by halves.
 *
 * <p>All are made from the same products in one pass, since most of the kit's time went into waiting for the additions of
 * one order alone.
 */
final class Dots {
    /** How many orders there are. */
    static final int ORDERS = 5;

    private static final int BLOCK = 16;

    // Filled up with zeros to whole blocks: no sum that begins with +0 is changed by adding +0.
    private final float[] products;
    private final float[] lanes = new float[BLOCK];

    private Dots(int dim) {
        products = new float[Math.ceilDiv(dim, BLOCK) * BLOCK];
    }

    /** Returns the dot products: {@code [ORDERS][kv_len]}. */
    static float[][] of(float[] query, float[][] keys) {
        Dots dots = new Dots(query.length);
        float[][] sums = new float[ORDERS][keys.length];
        for (int key = 0; key < keys.length; key++) {
            dots.multiply(query, keys[key]);
            dots.addInFour(sums, key);
            sums[4][key] = dots.inSixteen();
        }
        return sums;
    }

    /** Returns the sums of the products' absolute values: {@code [kv_len]}. */
    static double[] absolute(float[] query, float[][] keys) {
        Dots dots = new Dots(query.length);
        double[] sums = new double[keys.length];
        for (int key = 0; key < keys.length; key++) {
            dots.multiply(query, keys[key]);
            double even = 0;
            double odd = 0;
            for (int d = 0; d < dots.products.length; d += 2) {
                even += Math.abs(dots.products[d]);
                odd += Math.abs(dots.products[d + 1]);
            }
            sums[key] = even + odd;
        }
        return sums;
    }

    private void multiply(float[] query, float[] key) {
        for (int d = 0; d < query.length; d++) {
            products[d] = query[d] * key[d];
        }
    }

    /** The first four orders. */
    private void addInFour(float[][] sums, int key) {
        float[] p = products;
        float forwards = 0;
        float backwards = 0;
        float four0 = 0;
        float four1 = 0;
        float four2 = 0;
        float four3 = 0;
        float eight0 = 0;
        float eight1 = 0;
        float eight2 = 0;
        float eight3 = 0;
        float eight4 = 0;
        float eight5 = 0;
        float eight6 = 0;
        float eight7 = 0;
        for (int d = 0, last = p.length - 1; d < p.length; d += 8, last -= 8) {
            forwards = forwards + p[d] + p[d + 1] + p[d + 2] + p[d + 3] + p[d + 4] + p[d + 5] + p[d + 6]
                    + p[d + 7];
            backwards = backwards + p[last] + p[last - 1] + p[last - 2] + p[last - 3] + p[last - 4]
                    + p[last - 5] + p[last - 6] + p[last - 7];
            four0 = four0 + p[d] + p[d + 4];
            four1 = four1 + p[d + 1] + p[d + 5];
            four2 = four2 + p[d + 2] + p[d + 6];
            four3 = four3 + p[d + 3] + p[d + 7];
            eight0 += p[d];
            eight1 += p[d + 1];
            eight2 += p[d + 2];
            eight3 += p[d + 3];
            eight4 += p[d + 4];
            eight5 += p[d + 5];
            eight6 += p[d + 6];
            eight7 += p[d + 7];
        }
        sums[0][key] = forwards;
        sums[1][key] = backwards;
        sums[2][key] = (four0 + four2) + (four1 + four3);
        sums[3][key] = ((eight0 + eight4) + (eight2 + eight6)) + ((eight1 + eight5) + (eight3 + eight7));
    }

    private float inSixteen() {
        Arrays.fill(lanes, 0);
        for (int d = 0; d < products.length; d += BLOCK) {
            for (int lane = 0; lane < BLOCK; lane++) {
                lanes[lane] += products[d + lane];
            }
        }
        for (int left = BLOCK / 2; left > 0; left /= 2) {
            for (int lane = 0; lane < left; lane++) {
                lanes[lane] += lanes[lane + left];
            }
        }
        return lanes[0];
    }
}
