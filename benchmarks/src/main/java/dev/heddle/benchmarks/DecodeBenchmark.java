package dev.heddle.benchmarks;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.Tensor;
import dev.heddle.planner.AttentionPlan;
import dev.heddle.planner.Heddle;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * One layer of decode on the CPU backend: 8 sequences, 4 KV heads, head_dim 128, pages of 16 tokens. Beside
 * the runs per second stand the gigabytes of K and V per second, which the memory's bandwidth bounds.
 *
 * @since 0.1
 */
@Evolving
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(value = 2, jvmArgsPrepend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow"})
public class DecodeBenchmark {
    private static final int BATCH = 8;
    private static final int KV_HEADS = 4;

    /** Query heads on each KV head. */
    @Param({"1", "4", "7", "8"})
    public int groupSize;

    /** Tokens of each sequence. */
    @Param({"512", "4096"})
    public int kvLen;

    /** Element type of q, K, V and out. */
    @Param({"BF16", "F32"})
    public DataType dtype;

    private Heddle heddle;
    private KvCache cache;
    private AttentionPlan plan;
    private Tensor q;
    private Tensor out;
    private Tensor lse;
    private double gigabytes;

    /** What a run reads. */
    @Evolving
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Traffic {
        /** K and V, 10⁹ bytes. */
        public double kvGigabytes;
    }

    /** Fills a cache whose pages are permuted. */
    @Setup
    public void open() {
        Random random = new Random(42);
        int[] kvLens = new int[BATCH];
        Arrays.fill(kvLens, kvLen);
        Inputs.Table table = Inputs.Table.permuted(kvLens, random);
        AttentionSpec spec = Inputs.spec(KV_HEADS * groupSize, KV_HEADS, dtype);
        heddle = Heddle.builder().backends("cpu").open();
        cache = heddle.allocateKvCache(spec, 1, table.poolPages());
        long[] shape = {table.poolPages(), Inputs.PAGE_SIZE, KV_HEADS, Inputs.HEAD_DIM};
        Inputs.fill(Tensor.of(cache.layer(0).k().segments().getFirst(), dtype, shape), random);
        Inputs.fill(Tensor.of(cache.layer(0).v().segments().getFirst(), dtype, shape), random);
        q = heddle.allocate(dtype, BATCH, spec.numQoHeads(), Inputs.HEAD_DIM);
        Inputs.fill(q, random);
        out = heddle.allocate(dtype, BATCH, spec.numQoHeads(), Inputs.HEAD_DIM);
        lse = heddle.allocate(DataType.F32, BATCH, spec.numQoHeads());
        plan = heddle.plan(spec, BatchShape.decode(table.toPageTable()));
        gigabytes = (double) spec.kvBytesPerToken() * kvLen * BATCH / 1e9;
    }

    /** Closes what was opened. */
    @TearDown
    public void close() {
        plan.close();
        cache.close();
        heddle.close();
    }

    /** Runs one layer and waits for it. */
    @Benchmark
    public Tensor decode(Traffic traffic) {
        plan.run(q, cache.layer(0), out, lse);
        plan.queue().synchronize();
        traffic.kvGigabytes += gigabytes;
        return out;
    }
}
