package dev.heddle.benchmarks;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.spi.Schedule;
import dev.heddle.core.tensor.DataType;
import dev.heddle.planner.AttentionPlan;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanReport;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a decode step costs before the first kernel: 8192 tokens for each sequence, 28 query heads on 4 KV
 * heads, head_dim 128, bf16, pages of 16 tokens. Every call gets another page table than the one before. Read
 * the medians: the means have the pauses of the collector and of the machine in them.
 *
 * @since 0.1
 */
@Evolving
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
// A heap that is touched beforehand: else the first use of each page of memory is most of what is timed.
@Fork(value = 2, jvmArgsPrepend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow", "-Xms1g", "-Xmx1g", "-XX:+AlwaysPreTouch"})
public class PlanBenchmark {
    private static final int KV_LEN = 8192;
    private static final int TABLES = 8; // a power of two

    /** Sequences of the batch. */
    @Param({"1", "64", "256"})
    public int batchSize;

    private final AttentionSpec spec = Inputs.spec(28, 4, DataType.BF16);
    private final Inputs.Table[] tables = new Inputs.Table[TABLES];
    private Heddle heddle;
    private AttentionPlan kept;
    private BatchShape batch;
    private int calls;

    /** Makes the tables, whose sequences are up to one page shorter than the full length. */
    @Setup
    public void open() {
        Random random = new Random(42);
        for (int i = 0; i < TABLES; i++) {
            int[] kvLens = random.ints(batchSize, KV_LEN - Inputs.PAGE_SIZE + 1, KV_LEN + 1).toArray();
            tables[i] = Inputs.Table.permuted(kvLens, random);
        }
        heddle = Heddle.builder().backends("cpu").open();
        batch = BatchShape.decode(tables[0].toPageTable());
        kept = heddle.plan(spec, batch);
    }

    /** Closes what was opened. */
    @TearDown
    public void close() {
        kept.close();
        heddle.close();
    }

    private Inputs.Table next() {
        return tables[calls++ & (TABLES - 1)];
    }

    /** Copies and checks the arrays of a page table. */
    @Benchmark
    public PageTable pageTable() {
        return next().toPageTable();
    }

    /** Makes a plan of a new page table and closes it: the whole of a step. */
    @Benchmark
    public Schedule plan() {
        try (AttentionPlan plan = heddle.plan(spec, BatchShape.decode(next().toPageTable()))) {
            return plan.schedule();
        }
    }

    /** Makes a plan of a batch that is checked already, and closes it: a step less its page table. */
    @Benchmark
    public Schedule planChecked() {
        try (AttentionPlan plan = heddle.plan(spec, batch)) {
            return plan.schedule();
        }
    }

    /** Gives a plan a new page table. */
    @Benchmark
    public boolean replan() {
        return kept.replan(BatchShape.decode(next().toPageTable()));
    }

    /** Asks which backend a plan would take. */
    @Benchmark
    public PlanReport explain() {
        return heddle.explain(spec, batch);
    }
}
