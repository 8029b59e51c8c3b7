package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.DeviceKind;
import dev.heddle.backend.opencl.device.OpenClBuffer;
import dev.heddle.backend.opencl.device.OpenClMemorySpace;
import dev.heddle.backend.opencl.device.OpenClQueue;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.HeadParameters;
import dev.heddle.core.attention.PlanOptions;
import dev.heddle.core.cache.KvCache;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.DeviceMeter;
import dev.heddle.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.DoubleConsumer;

/** Times decode with each tile that might do, for each number of rows, and takes the fastest. */
final class Tuner {
    private static final int HEADS = 8;
    private static final int HEAD_DIM = 128;
    private static final int PAGE_SIZE = 16;
    private static final int REPEATS = 9;
    private static final int HOST_REPEATS = 25;
    private static final int WARM_UPS = 2;
    private static final double CLEARLY_FASTER = 0.95;
    private static final int NUMBERS = 6; // of a line that says a tile
    private static final int GPU_REQUESTS = 64; // 268 MB of KV: more than any cache
    private static final int GPU_KV_LEN = 1024;
    private static final int CPU_KV_LEN = 4096;

    private final OpenClBackend backend;
    private final OpenClMemorySpace space;
    private final boolean cpu;

    Tuner(OpenClBackend backend) {
        this.backend = backend;
        this.space = backend.space();
        this.cpu = space.device().kind() == DeviceKind.CPU;
    }

    /** Returns the fastest tile by rows. */
    Map<Integer, Tile> measure(DoubleConsumer progress) {
        Map<Integer, Tile> best = new HashMap<>();
        for (int rows = 1; rows <= KernelShape.MOST_ROWS; rows++) {
            best.put(rows, fastest(rows));
            progress.accept((double) rows / KernelShape.MOST_ROWS);
        }
        return best;
    }

    private Tile fastest(int rows) {
        AttentionSpec spec =
                AttentionSpec.builder().numQoHeads(HEADS * rows).numKvHeads(HEADS).headDim(HEAD_DIM)
                        .dtype(DataType.BF16).pageSize(PAGE_SIZE).lse(false).build();
        BatchShape batch = batch();
        Tuning usual = backend.tuning();
        List<Tile> tiles =
                usual.candidates(rows).stream().filter(tile -> usual.fits(spec, rows, tile)).toList();
        long qBytes = (long) batch.totalQoLen() * spec.numQoHeads() * HEAD_DIM * Short.BYTES;
        try (KvCache cache = KvCache.allocate(space, spec, 1, batch.pageTable().poolPages());
                OpenClBuffer q = space.allocate(qBytes, PAGE_SIZE);
                OpenClBuffer out = space.allocate(qBytes, PAGE_SIZE);
                OpenClQueue queue = space.newQueue()) {
            fill((OpenClBuffer) cache.layer(0).k().segments().getFirst(), queue);
            fill((OpenClBuffer) cache.layer(0).v().segments().getFirst(), queue);
            fill(q, queue);
            Tensor from = tensor(q, spec, batch);
            Tensor to = tensor(out, spec, batch);
            List<OpenClPlan> plans = new ArrayList<>();
            try {
                for (Tile tile : tiles) {
                    Tuning with = new Tuning(usual.device(), usual.shared(), Map.of(rows, tile));
                    plans.add(new OpenClPlan(backend, with, spec, batch, PlanOptions.in(space.id()), queue));
                }
                List<Runnable> runs =
                        plans.stream().<Runnable>map(plan -> () -> plan.run(from, cache.layer(0), to,
                                null, HeadParameters.NONE)).toList();
                return best(tiles, medians(queue, runs), usual.choose(spec, rows).tile());
            } finally {
                plans.forEach(OpenClPlan::close);
            }
        }
    }

    /** Returns the fastest tile; on a processor, whose clock is the host's, the one in use unless it is clearly slower. */
    private Tile best(List<Tile> tiles, double[] micros, Tile inUse) {
        int best = -1;
        for (int i = 0; i < micros.length; i++) {
            best = best < 0 || micros[i] < micros[best] ? i : best;
        }
        int before = tiles.indexOf(inUse);
        if (best < 0 || cpu && before >= 0 && micros[best] > micros[before] * CLEARLY_FASTER) {
            return inUse;
        }
        return tiles.get(best);
    }

    private BatchShape batch() {
        int requests = cpu ? 1 : GPU_REQUESTS;
        int pages = (cpu ? CPU_KV_LEN : GPU_KV_LEN) / PAGE_SIZE;
        int[] indptr = new int[requests + 1];
        int[] last = new int[requests];
        int[] ids = new int[requests * pages];
        Arrays.setAll(indptr, i -> i * pages);
        Arrays.fill(last, PAGE_SIZE);
        Arrays.setAll(ids, i -> i);
        shuffle(ids); // as in a cache that has been in use
        return BatchShape.decode(PageTable.of(PAGE_SIZE, ids.length, indptr, ids, last));
    }

    private static void shuffle(int[] ids) {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = ids.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int id = ids[i];
            ids[i] = ids[j];
            ids[j] = id;
        }
    }

    private static Tensor tensor(OpenClBuffer buffer, AttentionSpec spec, BatchShape batch) {
        return Tensor.of(buffer, DataType.BF16, batch.totalQoLen(), spec.numQoHeads(), HEAD_DIM);
    }

    /** Fills with small bf16 values: zeros may be faster to read than data. */
    private void fill(OpenClBuffer buffer, OpenClQueue queue) {
        short[] values = new short[1 << 16];
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) DataType.BF16.encode((float) random.nextGaussian() / 2);
        }
        MemorySegment block = MemorySegment.ofArray(values);
        for (long at = 0; at < buffer.byteSize(); at += block.byteSize()) {
            space.copyFromHost(block.asSlice(0, Math.min(block.byteSize(), buffer.byteSize() - at)), buffer,
                    at, queue);
        }
    }

    /** Returns the median time of each: by the device's clock where it has a meter, else by the host's. */
    private double[] medians(OpenClQueue queue, List<Runnable> runs) {
        Optional<DeviceMeter> meter = space.meter();
        double[][] micros =
                meter.isPresent()
                        ? runs.stream().map(run -> meter.get().micros(queue, run, REPEATS))
                                .toArray(double[][]::new)
                        : hostMicros(queue, runs);
        return Arrays.stream(micros).mapToDouble(Tuner::median).toArray();
    }

    private static double median(double[] micros) {
        Arrays.sort(micros);
        return micros[micros.length / 2];
    }

    /** Times runs by turns: a processor is seldom alone, and what slows it slows all. */
    private static double[][] hostMicros(OpenClQueue queue, List<Runnable> runs) {
        double[][] micros = new double[runs.size()][HOST_REPEATS];
        for (int i = -WARM_UPS; i < HOST_REPEATS; i++) {
            for (int run = 0; run < runs.size(); run++) {
                long begin = System.nanoTime();
                runs.get(run).run();
                queue.synchronize();
                if (i >= 0) {
                    micros[run][i] = (System.nanoTime() - begin) / 1e3;
                }
            }
        }
        return micros;
    }

    /** Returns tiles as lines of numbers, for a file. */
    static String text(Map<Integer, Tile> tiles) {
        StringBuilder text = new StringBuilder();
        tiles.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(entry -> {
            Tile tile = entry.getValue();
            text.append(entry.getKey()).append(' ').append(tile.shared() ? 1 : 0).append(' ')
                    .append(tile.groupSize())
                    .append(' ').append(tile.tokens()).append(' ').append(tile.vector()).append(' ')
                    .append(tile.teams()).append('\n');
        });
        return text.toString();
    }

    /**
     * Returns the tiles of a text.
     *
     * @throws NumberFormatException if it is not one of {@link #text}'s
     */
    static Map<Integer, Tile> parse(String text) {
        Map<Integer, Tile> tiles = new HashMap<>();
        for (String line : text.lines().toList()) {
            List<Integer> numbers = Arrays.stream(line.split(" ")).map(Integer::valueOf).toList();
            if (numbers.size() != NUMBERS) {
                throw new NumberFormatException(NUMBERS + " numbers a line are needed, got '" + line + "'");
            }
            tiles.put(numbers.get(0),
                    new Tile(numbers.get(1) == 1, numbers.get(2), numbers.get(3), numbers.get(4),
                            numbers.get(5)));
        }
        return tiles;
    }
}
