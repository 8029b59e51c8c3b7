package dev.heddle.conformance.declared;

import dev.heddle.core.Evolving;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

/**
 * Few rows that contain every pair of values of any two factors.
 *
 * @since 0.1
 */
@Evolving
public final class Pairwise {
    private static final int TRIES = 12;

    private Pairwise() {}

    /**
     * Returns the cover, greedily found; the same sizes and seed give the same one.
     *
     * @param sizes how many values each factor has, each 1 or more
     * @return rows of one value index for each factor
     */
    public static List<int[]> cover(int[] sizes, long seed) {
        int[] starts = new int[sizes.length + 1];
        for (int f = 0; f < sizes.length; f++) {
            starts[f + 1] = starts[f] + sizes[f];
        }
        int total = starts[sizes.length];
        BitSet open = new BitSet(total * total);
        for (int a = 0; a < sizes.length; a++) {
            for (int b = a + 1; b < sizes.length; b++) {
                for (int i = 0; i < sizes[a]; i++) {
                    open.set((starts[a] + i) * total + starts[b], (starts[a] + i) * total + starts[b + 1]);
                }
            }
        }
        List<int[]> rows = new ArrayList<>();
        rows.add(new int[sizes.length]); // the first values together: the plainest request comes first
        close(open, rows.getFirst(), starts, total);
        Random random = new Random(seed);
        while (!open.isEmpty()) {
            int pair = open.nextSetBit(0);
            int[] best = new int[0];
            int bestGain = -1;
            for (int t = 0; t < TRIES; t++) {
                int[] row = candidate(sizes, starts, total, pair, open, random);
                int gain = gain(open, row, starts, total);
                if (gain > bestGain) {
                    bestGain = gain;
                    best = row;
                }
            }
            close(open, best, starts, total);
            rows.add(best);
        }
        return rows;
    }

    private static int[] candidate(int[] sizes, int[] starts, int total, int pair, BitSet open,
            Random random) {
        int[] row = new int[sizes.length];
        Arrays.fill(row, -1);
        place(row, starts, pair / total);
        place(row, starts, pair % total);
        for (int f = 0; f < sizes.length; f++) {
            if (row[f] >= 0) {
                continue;
            }
            int best = 0;
            int bestGain = -1;
            int offset = random.nextInt(sizes[f]);
            for (int i = 0; i < sizes[f]; i++) {
                row[f] = (i + offset) % sizes[f];
                int gain = gain(open, row, starts, total);
                if (gain > bestGain) {
                    bestGain = gain;
                    best = row[f];
                }
            }
            row[f] = best;
        }
        return row;
    }

    private static void place(int[] row, int[] starts, int value) {
        int f = 0;
        while (value >= starts[f + 1]) {
            f++;
        }
        row[f] = value - starts[f];
    }

    private static int gain(BitSet open, int[] row, int[] starts, int total) {
        int gain = 0;
        for (int a = 0; a < row.length; a++) {
            for (int b = a + 1; row[a] >= 0 && b < row.length; b++) {
                if (row[b] >= 0 && open.get((starts[a] + row[a]) * total + starts[b] + row[b])) {
                    gain++;
                }
            }
        }
        return gain;
    }

    private static void close(BitSet open, int[] row, int[] starts, int total) {
        for (int a = 0; a < row.length; a++) {
            for (int b = a + 1; b < row.length; b++) {
                open.clear((starts[a] + row[a]) * total + starts[b] + row[b]);
            }
        }
    }
}
