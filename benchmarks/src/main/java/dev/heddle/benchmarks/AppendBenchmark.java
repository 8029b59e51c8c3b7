package dev.heddle.benchmarks;

import dev.heddle.core.Evolving;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.pool.AppendResult;
import dev.heddle.core.pool.PageSequence;
import dev.heddle.core.pool.PlainPagePool;
import java.util.ArrayList;
import java.util.List;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * The page pool's share of a decode step. Sequences grow by a token at each step from 4096 to 8192 tokens,
 * where a new one takes the place of the old: the pool stays three quarters full and its pages get mixed.
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
@Fork(value = 2, jvmArgsPrepend = {"--sun-misc-unsafe-memory-access=allow", "-Xms1g", "-Xmx1g",
        "-XX:+AlwaysPreTouch"})
public class AppendBenchmark {
    private static final int SHORTEST = 4096;
    private static final int LONGEST = 8192;

    /** Sequences that grow at every step. */
    @Param("64")
    public int batchSize;

    private final List<PageSequence> sequences = new ArrayList<>();
    private PlainPagePool pool;

    /** Starts the sequences at lengths that are spread evenly. */
    @Setup
    public void start() {
        sequences.clear();
        pool = new PlainPagePool(Inputs.PAGE_SIZE, batchSize * (LONGEST / Inputs.PAGE_SIZE));
        for (int i = 0; i < batchSize; i++) {
            sequences.add(sequence(SHORTEST + (int) ((long) (LONGEST - SHORTEST) * i / batchSize)));
        }
    }

    private PageSequence sequence(int tokens) {
        PageSequence sequence = pool.allocate();
        grow(sequence, tokens);
        return sequence;
    }

    private static void grow(PageSequence sequence, int tokens) {
        if (!(sequence.append(tokens) instanceof AppendResult.Appended)) {
            throw new IllegalStateException("the pool is too small for this benchmark");
        }
    }

    /** Appends one token to every sequence. */
    @Benchmark
    public List<PageSequence> append() {
        for (int i = 0; i < sequences.size(); i++) {
            PageSequence sequence = sequences.get(i);
            if (sequence.length() == LONGEST) {
                sequence.free();
                sequences.set(i, sequence(SHORTEST));
            } else {
                grow(sequence, 1);
            }
        }
        return sequences;
    }

    /** Appends one token to every sequence and makes the page table of the step. */
    @Benchmark
    public PageTable appendAndTable() {
        append();
        return pool.toPageTable(sequences);
    }
}
