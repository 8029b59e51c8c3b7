package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.session.SessionPlan;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.tensor.DataType;
import java.lang.management.ManagementFactory;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A steady-state run allocates nothing, neither on the thread that calls nor on those that help it. */
class NoAllocationTest {
    AttentionBackendProvider provider() {
        return new CpuBackendProvider();
    }

    private static final int RUNS = 200; // enough for every thread to take part on any machine
    private static final int MOST_ROUNDS = 400; // the compiler is through long before
    private static final int WORKERS = 3;
    private static final String NAME = "heddle-cpu-";

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** What runs: each takes other ways through the kernel. */
    enum Work {
        SPLIT_DECODE, BATCHED_DECODE, PREFILL, EVERY_FEATURE;

        RequestBuilder request() {
            AttentionSpecBuilder spec = AttentionSpec.builder().numQoHeads(8).numKvHeads(2).headDim(64)
                    .dtype(DataType.BF16).pageSize(16).causal();
            return switch (this) {
                case SPLIT_DECODE -> RequestBuilder.of(spec.build()).kvLens(4000);
                case BATCHED_DECODE -> RequestBuilder.of(spec.kvDtype(DataType.FP8_E4M3).build())
                        .kvLens(300, 1, 170, 640, 5, 900, 33, 16);
                case PREFILL -> RequestBuilder.of(spec.dtype(DataType.F16).build()).qoLens(40).kvLens(60);
                case EVERY_FEATURE -> RequestBuilder.of(spec.kvDtype(DataType.INT8).sinks(true).alibi(true)
                        .logitsSoftCap(20).windowLeft(50).customMask(true).strided().build())
                        .qoLens(3).kvLens(140, 170);
            };
        }
    }

    private static Set<Thread> workers() {
        Set<Thread> found = new HashSet<>(Thread.getAllStackTraces().keySet());
        found.removeIf(thread -> !thread.getName().startsWith(NAME));
        return found;
    }

    private long allocated(long[] ids) {
        long sum = 0;
        for (long bytes : threads.getThreadAllocatedBytes(ids)) {
            sum += bytes;
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource(Work.class)
    void aSteadyRunAllocatesNothingOnAnyThread(Work work) {
        threads.setThreadAllocatedMemoryEnabled(true);
        Set<Thread> before = workers();
        try (Opened opened = new Opened(provider(), WORKERS);
                Placed placed = opened.place(work.request().build());
                SessionPlan plan = opened.plan(placed.request())) {
            Set<Thread> mine = workers();
            mine.removeAll(before);
            assertEquals(WORKERS - 1, mine.size(), "own threads");
            assertTrue(plan.schedule().workUnits() > 1, "work for the helpers");
            long[] helpers = mine.stream().mapToLong(Thread::threadId).toArray();
            long leastHere = Long.MAX_VALUE;
            long leastThere = Long.MAX_VALUE;
            for (int round = 0; round < MOST_ROUNDS && (leastHere > 0 || leastThere > 0); round++) {
                long there = allocated(helpers);
                long here = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < RUNS; i++) {
                    Opened.run(plan, placed);
                }
                leastHere = Math.min(leastHere, threads.getCurrentThreadAllocatedBytes() - here);
                leastThere = Math.min(leastThere, allocated(helpers) - there);
            }
            assertEquals(0, leastHere, "bytes that " + RUNS + " runs allocate on the calling thread");
            assertEquals(0, leastThere, "bytes that " + RUNS + " runs allocate on the helpers");
        }
    }
}
