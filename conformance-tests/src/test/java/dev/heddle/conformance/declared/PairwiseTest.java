package dev.heddle.conformance.declared;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PairwiseTest {
    @Test
    void everyPairIsThere() {
        int[] sizes = {5, 1, 4, 3, 2, 2};
        Set<String> pairs = new HashSet<>();
        for (int[] row : Pairwise.cover(sizes, 3)) {
            for (int a = 0; a < sizes.length; a++) {
                assertTrue(row[a] >= 0 && row[a] < sizes[a]);
                for (int b = a + 1; b < sizes.length; b++) {
                    pairs.add(a + "=" + row[a] + " " + b + "=" + row[b]);
                }
            }
        }
        int wanted = 0;
        for (int a = 0; a < sizes.length; a++) {
            for (int b = a + 1; b < sizes.length; b++) {
                wanted += sizes[a] * sizes[b];
            }
        }
        assertEquals(wanted, pairs.size());
    }

    @Test
    void fewRowsAreEnough() {
        int rows = Pairwise.cover(new int[]{10, 10, 3, 3, 2, 2}, 1).size();
        assertTrue(rows < 130, () -> "100 pairs need at least 100 rows, got " + rows);
    }

    @Test
    void theSameSeedGivesTheSameRows() {
        List<int[]> one = Pairwise.cover(new int[]{4, 3, 3}, 9);
        List<int[]> two = Pairwise.cover(new int[]{4, 3, 3}, 9);
        assertEquals(one.stream().map(Arrays::toString).toList(),
                two.stream().map(Arrays::toString).toList());
    }

    @Test
    void everyModelIsRead() {
        List<ModelGeometry> models = ModelGeometry.all();
        assertEquals(45, models.size());
        assertTrue(models.stream().allMatch(m -> m.numQoHeads() % m.numKvHeads() == 0));
        ModelGeometry qwen = models.getFirst();
        assertEquals(7, qwen.numQoHeads() / qwen.numKvHeads());
        assertEquals("DeepSeek-V3-expanded", models.getLast().caseName());
    }
}
