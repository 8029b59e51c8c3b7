package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.conformance.input.RequestBuilder;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CpuScheduleTest {
    private static AttentionSpecBuilder spec(int numKvHeads, int groupSize) {
        return AttentionSpec.builder().numQoHeads(numKvHeads * groupSize).numKvHeads(numKvHeads).headDim(128)
                .dtype(DataType.BF16).pageSize(16);
    }

    private static BatchShape batch(AttentionSpec spec, int[] qoLens, int... kvLens) {
        return RequestBuilder.of(spec).qoLens(qoLens).kvLens(kvLens).batchOnly();
    }

    /**
     * Walks the units as a plan does and counts, for every query row, KV head and key that the row sees, the units
     * that compute it; and for every row and KV head the groups that write it.
     */
    private static void assertCoversOnce(AttentionSpec spec, BatchShape batch, CpuSchedule schedule) {
        int heads = spec.numKvHeads();
        int[][][] seen = new int[batch.totalQoLen()][heads][];
        int[][] written = new int[batch.totalQoLen()][heads];
        for (int i = 0; i < batch.batchSize(); i++) {
            for (int row = batch.qoIndptr(i); row < batch.qoIndptr(i + 1); row++) {
                for (int head = 0; head < heads; head++) {
                    seen[row][head] = new int[batch.kvLen(i)];
                }
            }
        }
        for (int unit = 0; unit < schedule.units(); unit++) {
            int tile = schedule.tileOf(unit);
            int within = unit - schedule.unitStart(tile);
            int perRange = schedule.perRange(tile);
            int range = within / perRange;
            int headFrom = schedule.headStart(tile, range);
            int headTo = schedule.headStart(tile, range + 1);
            assertTrue(headFrom < headTo && headTo <= heads);
            int from = schedule.firstChunk(tile) + within % perRange;
            int to = schedule.isSplit()
                    ? Math.min(from + 1, schedule.firstChunk(tile) + schedule.chunks(tile))
                    : schedule.firstChunk(tile) + schedule.chunks(tile);
            int request = schedule.request(tile);
            assertTrue(schedule.rows(tile) * spec.groupSize() * (headTo - headFrom) <= schedule.maxRows());
            assertTrue(schedule.chunks(tile) <= schedule.maxChunks());
            for (int r = 0; r < schedule.rows(tile); r++) {
                int row = batch.qoIndptr(request) + schedule.firstRow(tile) + r;
                for (int head = headFrom; head < headTo; head++) {
                    written[row][head] += within % perRange == 0 ? 1 : 0;
                    for (int chunk = from; chunk < to; chunk++) {
                        int end = Math.min(schedule.chunkStart(chunk + 1, batch.kvLen(request)),
                                batch.kvLen(request));
                        for (int key = schedule.chunkStart(chunk, batch.kvLen(request)); key < end; key++) {
                            seen[row][head][key]++;
                        }
                    }
                }
            }
        }
        for (int i = 0; i < batch.batchSize(); i++) {
            for (int row = 0; row < batch.qoLen(i); row++) {
                int position = batch.kvLen(i) - batch.qoLen(i) + row;
                for (int head = 0; head < heads; head++) {
                    int at = batch.qoIndptr(i) + row;
                    assertEquals(1, written[at][head], "groups that write row " + at + ", head " + head);
                    for (int key = 0; key < batch.kvLen(i); key++) {
                        boolean visible = (!spec.causal() || key <= position)
                                && (spec.windowLeft() < 0 || key >= position - spec.windowLeft());
                        int times = seen[at][head][key];
                        if (visible ? times != 1 : times > 1) {
                            throw new AssertionError("row " + at + ", head " + head + ", key " + key + " of "
                                    + batch.kvLen(i) + " is computed " + times + " times: " + spec);
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 7, 64})
    void everyVisibleKeyOfEveryRowIsComputedExactlyOnce(int kvSplits) {
        Random random = new Random(kvSplits);
        int split = 0;
        for (int round = 0; round < 150; round++) {
            AttentionSpecBuilder builder = spec(1 + random.nextInt(3), 1 + random.nextInt(9)).pageSize(1
                    + random.nextInt(40));
            builder.causal(random.nextBoolean());
            builder.windowLeft(random.nextInt(3) == 0 ? random.nextInt(700) : -1);
            AttentionSpec spec = builder.build();
            int[] kvLens = new int[random.nextInt(5)];
            int[] qoLens = new int[Math.max(1, kvLens.length)];
            Arrays.setAll(kvLens, i -> random.nextInt(4) == 0 ? random.nextInt(3) : random.nextInt(1700));
            Arrays.setAll(qoLens, i -> random.nextInt(3) == 0 ? random.nextInt(90) : random.nextInt(3));
            BatchShape batch = batch(spec, qoLens, kvLens);
            CpuSchedule schedule =
                    new CpuSchedule(spec, batch, kvSplits, 1 + random.nextInt(9), random.nextBoolean());
            assertCoversOnce(spec, batch, schedule);
            split += schedule.isSplit() ? 1 : 0;
        }
        assertEquals(kvSplits != 1, split > 10, split + " of 150 batches were split");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 8, 16, 64})
    void oneLongSequenceOccupiesAllWorkers(int parallelism) {
        AttentionSpec spec = spec(1, 8).causal().build();
        CpuSchedule schedule = new CpuSchedule(spec, batch(spec, new int[]{1}, 64 * CpuSchedule.CHUNK), 0,
                parallelism, true);
        assertTrue(schedule.isSplit());
        assertEquals(64, schedule.units());
        assertTrue(schedule.units() >= parallelism);
    }

    @Test
    void aFullBatchAndASingleWorkerAreNotSplit() {
        AttentionSpec spec = spec(8, 4).build();
        int[] kvLens = new int[32];
        Arrays.fill(kvLens, 4096);
        CpuSchedule full = new CpuSchedule(spec, batch(spec, new int[]{1}, kvLens), 0, 8, false);
        assertFalse(full.isSplit());
        assertEquals(32 * 8, full.units());
        CpuSchedule alone = new CpuSchedule(spec, batch(spec, new int[]{1}, 4096), 0, 1, false);
        assertFalse(alone.isSplit());
        assertEquals(8, alone.units());
    }

    @Test
    void partialResultsThatWouldNotFitAreNotMade() {
        // 64 rows of 514 floats for each of 4096 chunks are 514 MiB
        AttentionSpec spec = spec(1, 64).headDim(512).build();
        BatchShape batch = batch(spec, new int[]{1}, 4096);
        CpuSchedule schedule = new CpuSchedule(spec, batch, 4096, 8, true);
        assertEquals(4096, schedule.maxChunks());
        assertFalse(schedule.isSplit());
        assertCoversOnce(spec, batch, schedule);
    }

    @ParameterizedTest
    @CsvSource({"1,0,1", "3,0,2", "0,700,0", "0,0,0"})
    void emptySequencesHaveUnitsOnlyForTheirRows(int qoLen, int kvLen, int units) {
        AttentionSpec spec = spec(2, 4).causal().build();
        BatchShape batch = batch(spec, new int[]{qoLen}, kvLen);
        CpuSchedule schedule = new CpuSchedule(spec, batch, 0, 8, true);
        assertEquals(units, schedule.units());
        assertFalse(schedule.isSplit());
        assertCoversOnce(spec, batch, schedule);
    }

    @Test
    void anEmptyBatchHasNoUnits() {
        AttentionSpec spec = spec(2, 4).build();
        CpuSchedule schedule = new CpuSchedule(spec, batch(spec, new int[]{1}), 0, 8, true);
        assertEquals(0, schedule.units());
        assertEquals(0, schedule.tiles());
    }

    /** Whatever the batch, the same token falls into the same chunk: sums are grouped alike. */
    @Test
    void chunksDependOnNothingButTheSequence() {
        AttentionSpec spec = spec(2, 4).causal().build();
        CpuSchedule alone = new CpuSchedule(spec, batch(spec, new int[]{1}, 1300), 0, 64, true);
        CpuSchedule crowd = new CpuSchedule(spec, batch(spec, new int[]{1}, 1300, 5, 9000), 0, 2, true);
        assertEquals(alone.firstChunk(0), crowd.firstChunk(0));
        assertEquals(alone.chunks(0), crowd.chunks(0));
        for (int chunk = 0; chunk <= 3; chunk++) {
            assertEquals(alone.chunkStart(chunk, 1300), crowd.chunkStart(chunk, 1300));
        }
    }
}
