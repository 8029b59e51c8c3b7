package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.core.tensor.MemorySpaceId;
import dev.heddle.core.tensor.Tensor;
import dev.heddle.planner.Heddle;
import dev.heddle.planner.PlanRequest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed while it compiles, or a file that is damaged, leaves a cache that the next one can use. */
@OnOpenCl
class KilledCompileTest {
    private static final int KILLS = 3;
    private static final int LAST_KILL_MILLIS = 1500; // the first compilation of a process takes longer

    /** Computes the mean of four values over two plans, with the cache in a folder. */
    public static final class Compute {
        public static void main(String[] arguments) {
            AttentionSpec spec =
                    AttentionSpec.builder().numQoHeads(3).numKvHeads(1).headDim(32).dtype(DataType.F32)
                            .pageSize(4).lse(false).build();
            BatchShape batch =
                    BatchShape.decode(PageTable.of(4, 1, new int[]{0, 1}, new int[]{0}, new int[]{4}));
            MemorySpaceId id = new MemorySpaceId("opencl", 0);
            try (Heddle heddle =
                    Heddle.builder().cacheDirectory(Path.of(arguments[0])).memorySpace(id).open();
                    var cache = heddle.allocateKvCache(spec, 1, 1)) {
                var space = heddle.memorySpace(id);
                float[] values = new float[4 * 32];
                for (int i = 0; i < values.length; i++) {
                    values[i] = i / 32;
                }
                for (var plane : List.of(cache.layer(0).k(), cache.layer(0).v())) {
                    space.copyFromHost(MemorySegment.ofArray(values), plane.segments().getFirst(), 0,
                            space.defaultQueue());
                }
                Tensor q = heddle.allocate(DataType.F32, 1, 3, 32);
                Tensor out = heddle.allocate(DataType.F32, 1, 3, 32);
                space.copyFromHost(MemorySegment.ofArray(new float[3 * 32]), q.buffer(), 0,
                        space.defaultQueue());
                System.out.println("compiling");
                long begin = System.nanoTime();
                try (var plan = heddle.plan(spec, batch, PlanRequest.pin("opencl"))) {
                    System.out.println("planned in " + (System.nanoTime() - begin) / 1_000_000 + " ms");
                    plan.run(q, cache.layer(0), out, null);
                    plan.queue().synchronize();
                }
                float[] result = new float[3 * 32];
                space.copyToHost(out.buffer(), 0, MemorySegment.ofArray(result), space.defaultQueue());
                System.out.println("mean " + result[0] + " " + result[95]);
            }
        }
    }

    private static Map<String, String> environment(Path folder) {
        return Map.of("POCL_CACHE_DIR", folder.resolve("pocl").toString(), "POCL_KERNEL_CACHE", "0");
    }

    private static String compute(Path folder) throws IOException, InterruptedException {
        try (ChildVm child =
                ChildVm.start(Compute.class, environment(folder), folder.resolve("cache").toString())) {
            return child.output();
        }
    }

    private static List<Path> files(Path folder, String suffix) throws IOException {
        Path cache = folder.resolve("cache/opencl");
        if (!Files.exists(cache)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(cache)) {
            return all.filter(path -> path.toString().endsWith(suffix)).toList();
        }
    }

    @Test
    void killedWhileCompilingTheNextProcessComputes(@TempDir Path folder) throws Exception {
        Files.createDirectories(folder.resolve("pocl"));
        Random random = new Random(1);
        for (int i = 0; i < KILLS; i++) {
            try (ChildVm child =
                    ChildVm.start(Compute.class, environment(folder), folder.resolve("cache").toString())) {
                child.killAfter("compiling", random.nextInt(LAST_KILL_MILLIS));
            }
        }
        assertTrue(compute(folder).endsWith("mean 1.5 1.5"));
        assertEquals(2, files(folder, ".clb").size(), "attention and merge");
        assertTrue(compute(folder).endsWith("mean 1.5 1.5"), "from the cache");
    }

    @Test
    void damagedFilesAreCompiledAgain(@TempDir Path folder) throws Exception {
        Files.createDirectories(folder.resolve("pocl"));
        assertTrue(compute(folder).endsWith("mean 1.5 1.5"));
        List<Path> kept = files(folder, ".clb");
        assertEquals(2, kept.size(), "attention and merge");
        for (Path file : kept) {
            byte[] whole = Files.readAllBytes(file);
            assertTrue(whole.length > 1000, "a binary with code in it");
            Files.write(file, Arrays.copyOf(whole, whole.length / 2)); // PoCL would end the process on it
        }
        assertTrue(compute(folder).endsWith("mean 1.5 1.5"));
        for (Path file : kept) {
            byte[] whole = Files.readAllBytes(file);
            for (int i = whole.length / 4; i < whole.length / 2; i++) {
                whole[i] ^= (byte) 0x5A; // PoCL would run it
            }
            Files.write(file, whole);
        }
        assertTrue(compute(folder).endsWith("mean 1.5 1.5"));
    }
}
