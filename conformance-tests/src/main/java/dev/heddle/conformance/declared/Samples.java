package dev.heddle.conformance.declared;

import dev.heddle.core.capability.Capabilities;
import dev.heddle.core.capability.HeadDims;
import dev.heddle.core.capability.IntSet;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Sample values of sets that may have no end: all of a list, and of a progression what tends to break. */
final class Samples {
    private static final int[] GROUPS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 29, 48, 71};
    private static final int[] HEAD_DIMS = {128, 64, 1, 8, 16, 32, 40, 71, 80, 96, 112, 192, 256};
    private static final int[] PAGE_SIZES = {16, 1, 2, 3, 5, 7, 8, 17, 32, 64, 128};
    private static final int LARGEST_DIM = 512;
    private static final int LARGEST_GROUP = 128;
    private static final int LARGEST_PAGE = 512;

    private Samples() {}

    static List<Integer> groups(IntSet set) {
        return of(set, GROUPS, LARGEST_GROUP);
    }

    static List<Integer> pages(IntSet set) {
        return of(set, PAGE_SIZES, LARGEST_PAGE);
    }

    static List<int[]> headDims(Capabilities can) {
        List<int[]> pairs = new ArrayList<>();
        Set<String> seen = new LinkedHashSet<>();
        for (HeadDims dims : can.headDims()) {
            List<Integer> qk = of(dims.qk(), HEAD_DIMS, LARGEST_DIM);
            List<Integer> vo = of(dims.vo(), HEAD_DIMS, LARGEST_DIM);
            for (int i = 0; i < Math.max(qk.size(), vo.size()); i++) {
                add(pairs, seen, dims, qk.get(i % qk.size()), vo.get(i % vo.size()));
            }
            // unequal sizes, both ways round
            add(pairs, seen, dims, qk.getFirst(), vo.getLast());
            add(pairs, seen, dims, qk.getLast(), vo.getFirst());
            add(pairs, seen, dims, 192, 128);
            add(pairs, seen, dims, 40, 64); // one needs padding, the other does not
            add(pairs, seen, dims, 64, 40);
        }
        return pairs;
    }

    private static void add(List<int[]> pairs, Set<String> seen, HeadDims dims, int qk, int vo) {
        if (dims.contains(qk, vo) && seen.add(qk + "/" + vo)) {
            pairs.add(new int[]{qk, vo});
        }
    }

    private static List<Integer> of(IntSet set, int[] candidates, int largest) {
        if (set.isListed()) {
            List<Integer> listed = new ArrayList<>(set.values());
            // the usual value first, as the base of everything else
            for (int candidate : candidates) {
                if (listed.remove(Integer.valueOf(candidate))) {
                    listed.addFirst(candidate);
                    break;
                }
            }
            return listed;
        }
        Set<Integer> chosen = new LinkedHashSet<>();
        for (int candidate : candidates) {
            if (set.contains(candidate)) {
                chosen.add(candidate);
            }
        }
        chosen.add(set.min());
        Set<Integer> ends = new TreeSet<>();
        ends.add(Math.min(largest, set.max()));
        ends.add(set.min() + set.step());
        ends.stream().filter(set::contains).filter(v -> v <= largest).forEach(chosen::add);
        return List.copyOf(chosen);
    }
}
