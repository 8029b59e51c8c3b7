package dev.heddle.cuda.decode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.cuda.KernelSource;
import java.util.List;
import org.junit.jupiter.api.Test;

class KernelChoiceTest {
    private static final DecodeKernel PLAIN = new Kernel(8, false);
    private static final DecodeKernel WIDE = new Kernel(16, true);

    private record Kernel(int rows, boolean general) implements DecodeKernel {
        @Override
        public int warps() {
            return 4;
        }

        @Override
        public int ctas() {
            return 2;
        }

        @Override
        public DecodeKernel forAnything() {
            return new Kernel(rows, true);
        }

        @Override
        public int sharedBytes() {
            return 0;
        }

        @Override
        public int stateFloats() {
            return rows;
        }

        @Override
        public KernelSource source() {
            return new KernelSource("some.cu", "", KernelChoiceTest.class);
        }

        @Override
        public List<String> macros() {
            return List.of();
        }
    }

    private static List<KernelChoice> each(int... qoIndptr) {
        int[] none = new int[qoIndptr.length];
        BatchShape batch = BatchShape.of(qoIndptr,
                PageTable.of(16, 1, none, new int[0], new int[qoIndptr.length - 1]));
        return KernelChoice.each(batch, qoLen -> qoLen > 1 ? WIDE : PLAIN);
    }

    private static List<DecodeKernel> kernels(List<KernelChoice> choices) {
        return choices.stream().map(KernelChoice::kernel).toList();
    }

    @Test
    void requestsOfOneLengthAreOneLaunch() {
        List<KernelChoice> choices = each(0, 1, 2, 3);
        assertEquals(List.of(KernelChoice.all(PLAIN)), choices);
        assertTrue(choices.getFirst().has(2));
        assertEquals(List.of(KernelChoice.all(WIDE)), each(0, 2));
    }

    @Test
    void eachRequestTakesTheKernelThatItWouldTakeAlone() {
        List<KernelChoice> choices = each(0, 1, 1, 4, 5);
        assertEquals(List.of(PLAIN, WIDE), kernels(choices));
        boolean[][] expected = {{true, false, false, true}, {false, false, true, false}};
        for (int i = 0; i < 2; i++) {
            for (int request = 0; request < 4; request++) {
                assertEquals(expected[i][request], choices.get(i).has(request), i + ", " + request);
            }
        }
    }

    @Test
    void aPlanTakesANewBatchIfItHasItsKernels() {
        List<KernelChoice> decode = each(0, 1);
        List<KernelChoice> mixed = each(0, 1, 4);
        assertEquals(decode, KernelChoice.onto(List.of(PLAIN), decode, false, true));
        assertEquals(List.of(), KernelChoice.onto(List.of(PLAIN), mixed, false, true));
        assertEquals(List.of(), KernelChoice.onto(List.of(PLAIN, WIDE), decode, false, true),
                "one launch does what two did: a new plan is cheaper");
        assertEquals(List.of(WIDE, PLAIN),
                kernels(KernelChoice.onto(List.of(WIDE, PLAIN), mixed, false, true)));
    }

    @Test
    void recordedLaunchesStayAndThoseWithoutWorkAreIdle() {
        List<KernelChoice> decode = each(0, 1);
        List<KernelChoice> mixed = each(0, 1, 4);
        List<KernelChoice> idle = KernelChoice.onto(List.of(WIDE, PLAIN), decode, true, true);
        assertEquals(List.of(WIDE, PLAIN), kernels(idle));
        assertFalse(idle.getFirst().has(0));
        assertTrue(idle.getLast().has(0));
        assertEquals(List.of(), KernelChoice.onto(List.of(PLAIN), mixed, true, true));
        assertEquals(List.of(KernelChoice.all(WIDE)),
                KernelChoice.onto(List.of(WIDE), decode, true, false), "able to run it, which is enough");
        assertEquals(List.of(), KernelChoice.onto(List.of(PLAIN), each(0, 4), true, false));
    }
}
