package dev.heddle.backend.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The cut of a batch: every row meets every token that it sees, once, and parts are merged in their order. */
class WorkScheduleTest {
    private static final int PAGE = 16;
    private static final int GRAIN = 64;

    private static AttentionSpecBuilder spec(int heads, int group) {
        return AttentionSpec.builder().numQoHeads(heads * group).numKvHeads(heads).headDim(64)
                .dtype(DataType.F32)
                .pageSize(PAGE);
    }

    private static BatchShape batch(int[] qoLens, int[] kvLens) {
        int[] qo = new int[qoLens.length + 1];
        int[] indptr = new int[qoLens.length + 1];
        int[] last = new int[qoLens.length];
        for (int i = 0; i < qoLens.length; i++) {
            qo[i + 1] = qo[i] + qoLens[i];
            int pages = Math.ceilDiv(kvLens[i], PAGE);
            indptr[i + 1] = indptr[i] + pages;
            last[i] = pages == 0 ? 0 : kvLens[i] - (pages - 1) * PAGE;
        }
        int[] ids = new int[indptr[qoLens.length]];
        Arrays.setAll(ids, i -> i);
        return BatchShape.of(qo, PageTable.of(PAGE, ids.length, indptr, ids, last));
    }

    /** Counts, for each row, head and token, how often a unit covers them. */
    private static void covers(AttentionSpec spec, BatchShape batch, WorkSchedule schedule, int rows) {
        int longest = batch.pageTable().maxKvLen();
        int group = spec.groupSize();
        int[][] seen = new int[batch.totalQoLen() * spec.numQoHeads()][longest];
        int[] written = new int[batch.totalQoLen() * spec.numQoHeads()];
        int[] slots = new int[schedule.slots()];
        int[] units = schedule.units();
        for (int u = 0; u < schedule.unitCount(); u++) {
            int at = u * WorkSchedule.UNIT_INTS;
            assertTrue(units[at + 6] >= 1 && units[at + 6] <= rows);
            assertTrue(units[at + 7] <= units[at + 8] && units[at + 8] <= units[at + 2]);
            for (int r = 0; r < units[at + 6]; r++) {
                int row = units[at + 5] + r;
                int cell =
                        (units[at] + row / group) * spec.numQoHeads() + units[at + 4] * group + row % group;
                for (int token = units[at + 7]; token < units[at + 8]; token++) {
                    seen[cell][token]++;
                }
                written[cell] += units[at + 9] < 0 ? 1 : 0;
            }
            if (units[at + 9] >= 0) {
                slots[units[at + 9]]++;
            }
        }
        int[] merges = schedule.merges();
        for (int m = 0; m < schedule.mergeCount(); m++) {
            int at = m * WorkSchedule.MERGE_INTS;
            assertTrue(merges[at + 5] >= 2 && merges[at + 5] <= schedule.maxParts());
            for (int part = 0; part < merges[at + 5]; part++) {
                slots[merges[at + 4] + part] += 10;
            }
            for (int r = 0; r < merges[at + 3]; r++) {
                int row = merges[at + 2] + r;
                written[(merges[at] + row / group) * spec.numQoHeads() + merges[at + 1] * group
                        + row % group]++;
            }
        }
        for (int slot : slots) {
            assertEquals(11, slot, "each slot is filled once and merged once");
        }
        for (int count : written) {
            assertEquals(1, count, "each row is written once");
        }
        for (int i = 0; i < batch.batchSize(); i++) {
            for (int q = 0; q < batch.qoLen(i); q++) {
                int position = batch.kvLen(i) - batch.qoLen(i) + q;
                for (int h = 0; h < spec.numQoHeads(); h++) {
                    int[] row = seen[(batch.qoIndptr(i) + q) * spec.numQoHeads() + h];
                    for (int token = 0; token < batch.kvLen(i); token++) {
                        boolean visible = (!spec.causal() || token <= position)
                                && (spec.windowLeft() < 0 || token >= position - spec.windowLeft());
                        assertTrue(visible ? row[token] == 1 : row[token] <= 1, "token " + token);
                    }
                }
            }
        }
    }

    @Test
    void everyRowMeetsEveryTokenOnce() {
        SplittableRandom random = new SplittableRandom(7);
        for (int round = 0; round < 200; round++) {
            int requests = random.nextInt(1, 5);
            int[] qo = random.ints(requests, 0, 12).toArray();
            int[] kv = random.ints(requests, 0, 900).toArray();
            int group = random.nextInt(1, 12);
            AttentionSpecBuilder builder = spec(random.nextInt(1, 4), group);
            if (random.nextBoolean()) {
                builder.causal();
            }
            if (random.nextInt(3) == 0) {
                builder.windowLeft(random.nextInt(0, 300));
            }
            if (random.nextBoolean()) {
                builder.determinism(Determinism.BATCH_INVARIANT);
            }
            AttentionSpec spec = builder.build();
            BatchShape batch = batch(qo, kv);
            int rows = random.nextInt(1, 9);
            int forced = random.nextInt(4) == 0 ? random.nextInt(1, 9) : 0;
            covers(spec, batch, WorkSchedule.of(spec, batch, rows, GRAIN, 128, random.nextInt(1, 64), forced),
                    rows);
        }
    }

    @Test
    void oneLongSequenceIsCutSoThatEveryCoreHasWork() {
        AttentionSpec spec = spec(2, 4).build();
        WorkSchedule schedule =
                WorkSchedule.of(spec, batch(new int[]{1}, new int[]{8192}), 4, GRAIN, 256, 16, 0);
        assertEquals(16, schedule.unitCount());
        assertEquals(8, schedule.maxParts());
        assertEquals(2, schedule.mergeCount());
    }

    @Test
    void manyEqualSequencesAreNotCut() {
        AttentionSpec spec = spec(2, 4).build();
        int[] ones = new int[16];
        int[] lengths = new int[16];
        Arrays.fill(ones, 1);
        Arrays.fill(lengths, 1000);
        WorkSchedule schedule = WorkSchedule.of(spec, batch(ones, lengths), 4, GRAIN, 256, 16, 0);
        assertEquals(32, schedule.unitCount());
        assertEquals(0, schedule.mergeCount());
    }

    @Test
    void invariantCutFollowsTheSequenceAlone() {
        AttentionSpec spec = spec(1, 4).determinism(Determinism.BATCH_INVARIANT).build();
        int[] alone = ranges(
                WorkSchedule.of(spec, batch(new int[]{1}, new int[]{5000}), 4, GRAIN, 256, 64, 0), 5000);
        int[] among = ranges(
                WorkSchedule.of(spec, batch(new int[]{1, 1, 1}, new int[]{70, 5000, 9000}), 4, GRAIN, 256,
                        2, 0),
                5000);
        assertArrayEquals(alone, among);
    }

    private static int[] ranges(WorkSchedule schedule, int kvLen) {
        int[] ends = new int[schedule.unitCount()];
        int count = 0;
        for (int u = 0; u < schedule.unitCount(); u++) {
            if (schedule.units()[u * WorkSchedule.UNIT_INTS + 2] == kvLen) {
                ends[count++] = schedule.units()[u * WorkSchedule.UNIT_INTS + 8];
            }
        }
        return Arrays.copyOf(ends, count);
    }

    @Test
    void emptyBatchHasNoWorkAndEmptySequencesAreStillWritten() {
        AttentionSpec spec = spec(2, 4).build();
        assertEquals(0,
                WorkSchedule.of(spec, batch(new int[0], new int[0]), 4, GRAIN, 256, 16, 0).unitCount());
        assertEquals(2,
                WorkSchedule.of(spec, batch(new int[]{1}, new int[]{0}), 4, GRAIN, 256, 16, 0).unitCount());
    }
}
