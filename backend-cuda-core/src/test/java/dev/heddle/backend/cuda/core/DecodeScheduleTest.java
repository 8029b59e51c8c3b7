package dev.heddle.backend.cuda.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.Determinism;
import dev.heddle.cuda.KernelSource;
import dev.heddle.cuda.decode.DecodeKernel;
import dev.heddle.cuda.decode.DecodeSchedule;
import dev.heddle.cuda.decode.KernelChoice;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecodeScheduleTest {
    private static final int AT_ONCE = 132;
    private static final int MOST_PARTS = 1024;

    /** Where decode.cu has the components of {@link Unit}, in ints. */
    private static final int[] PLACES = places(new DecodeSource().struct("Unit", Map.of()));

    private static int[] places(DecodeSource.Struct struct) {
        return Stream.of(Unit.class.getRecordComponents()).map(RecordComponent::getName)
                .mapToInt(name -> struct.offset(name) / Integer.BYTES).toArray();
    }

    /** A unit as the kernel reads it, by the names of decode.cu. */
    private record Unit(int row, int qoLen, int kvLen, int pages, int kvHead, int firstRow, int kvStart,
            int kvEnd,
            int part, int parts, int slot, int counter) {
        int tokens() {
            return kvEnd - kvStart;
        }
    }

    private static List<Unit> units(DecodeSchedule schedule) {
        List<Unit> units = new ArrayList<>();
        int[] of = schedule.units();
        for (int at = 0; at < schedule.count() * DecodeSchedule.UNIT_INTS; at += DecodeSchedule.UNIT_INTS) {
            units.add(new Unit(of[at + PLACES[0]], of[at + PLACES[1]], of[at + PLACES[2]], of[at + PLACES[3]],
                    of[at + PLACES[4]], of[at + PLACES[5]], of[at + PLACES[6]], of[at + PLACES[7]],
                    of[at + PLACES[8]], of[at + PLACES[9]], of[at + PLACES[10]], of[at + PLACES[11]]));
        }
        return units;
    }

    private static List<Unit> covers(AttentionSpec spec, BatchShape batch, int rows,
            DecodeSchedule schedule) {
        return covers(spec, batch, rows, 1, schedule);
    }

    /** Every key that a row sees is computed once, every row is written once, and no two parts share a place. */
    private static List<Unit> covers(AttentionSpec spec, BatchShape batch, int rows, int cluster,
            DecodeSchedule schedule) {
        List<Unit> units = units(schedule);
        Map<List<Integer>, List<Unit>> columns = new LinkedHashMap<>();
        for (Unit unit : units) {
            columns.computeIfAbsent(List.of(unit.row(), unit.firstRow(), unit.kvHead()),
                    key -> new ArrayList<>())
                    .add(unit);
        }
        Set<Integer> slots = new HashSet<>();
        Set<Integer> counters = new HashSet<>();
        int maxParts = 1;
        for (List<Unit> column : columns.values()) {
            Unit first = column.getFirst();
            int request = request(batch, first);
            assertEquals(batch.qoLen(request), first.qoLen());
            assertEquals(batch.kvLen(request), first.kvLen());
            assertEquals(batch.pageTable().kvIndptr(request), first.pages());
            assertEquals(0, first.firstRow() % rows);
            assertEquals(firstSeen(spec, batch, request, first.firstRow()), first.kvStart());
            int end = lastSeen(spec, batch, request,
                    Math.min(first.firstRow() + rows, batch.qoLen(request) * spec.groupSize()));
            assertEquals(column.size(), first.parts() * cluster);
            assertTrue(column.size() <= MOST_PARTS + cluster);
            maxParts = Math.max(maxParts, column.size());
            int token = first.kvStart();
            for (int part = 0; part < column.size(); part++) {
                Unit unit = column.get(part);
                assertEquals(
                        new Unit(first.row(), first.qoLen(), first.kvLen(), first.pages(), first.kvHead(),
                                first.firstRow(), token, unit.kvEnd(), part / cluster, first.parts(),
                                first.slot(), first.counter()),
                        unit);
                assertTrue(unit.tokens() > 0 || column.size() == 1 || cluster > 1,
                        () -> "an empty part: " + unit);
                assertTrue(part + 1 == column.size() || unit.tokens() % KernelShape.TILE == 0
                        || unit.kvEnd() == end, () -> "a tile is cut in two: " + unit);
                assertTrue(unit.counter() >= 0, "negative means no work");
                token = unit.kvEnd();
            }
            assertEquals(end, token);
            if (first.parts() > 1) {
                for (int part = 0; part < first.parts(); part++) {
                    assertTrue(slots.add(first.slot() + part), () -> "slot shared: " + first);
                }
                for (int rank = 0; rank < cluster; rank++) {
                    assertTrue(counters.add(first.counter() * cluster + rank),
                            () -> "counter shared: " + first);
                }
            }
        }
        for (int at = 0; at < units.size(); at += cluster) { // a cluster has the parts of one column
            for (Unit unit : units.subList(at, at + cluster)) {
                assertEquals(units.get(at).slot(), unit.slot());
                assertEquals(units.get(at).part(), unit.part());
                assertEquals(units.get(at).kvHead(), unit.kvHead());
            }
        }
        int tiles = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            tiles += Math.ceilDiv(batch.qoLen(i) * spec.groupSize(), rows) * spec.numKvHeads();
        }
        assertEquals(tiles, columns.size());
        assertEquals(range(schedule.slots()), slots, "the workspace has exactly the places that are used");
        assertEquals(range(schedule.counters()), counters);
        assertEquals(maxParts, schedule.maxParts());
        return units;
    }

    private static Set<Integer> range(int end) {
        Set<Integer> all = new HashSet<>();
        for (int i = 0; i < end; i++) {
            all.add(i);
        }
        return all;
    }

    private static int request(BatchShape batch, Unit unit) {
        for (int i = 0; i < batch.batchSize(); i++) {
            if (batch.qoLen(i) > 0 && batch.qoIndptr(i) == unit.row()) {
                return i;
            }
        }
        throw new AssertionError("no request begins at row " + unit.row());
    }

    /** Returns the tile of the first token that a row sees, and with it the later ones. */
    private static int firstSeen(AttentionSpec spec, BatchShape batch, int request, int row) {
        int first = 0;
        if (spec.windowLeft() >= 0) {
            int position = batch.kvLen(request) - batch.qoLen(request) + row / spec.groupSize();
            while (first < batch.kvLen(request) && (long) first + spec.windowLeft() < position) {
                first++;
            }
        }
        return first - first % KernelShape.TILE;
    }

    /** Returns the end of the tokens that rows before one see. */
    private static int lastSeen(AttentionSpec spec, BatchShape batch, int request, int rowEnd) {
        int kvLen = batch.kvLen(request);
        return spec.causal()
                ? Math.max(0, kvLen - batch.qoLen(request) + (rowEnd - 1) / spec.groupSize() + 1)
                : kvLen;
    }

    /** A kernel whose CTAs merge among themselves. */
    private record Clustered(KernelShape plain, int cluster) implements DecodeKernel {
        @Override
        public int rows() {
            return plain.rows();
        }

        @Override
        public int warps() {
            return plain.warps();
        }

        @Override
        public int ctas() {
            return plain.ctas();
        }

        @Override
        public boolean general() {
            return plain.general();
        }

        @Override
        public DecodeKernel forAnything() {
            return this;
        }

        @Override
        public int sharedBytes() {
            return plain.sharedBytes();
        }

        @Override
        public int stateFloats() {
            return plain.stateFloats();
        }

        @Override
        public KernelSource source() {
            return plain.source();
        }

        @Override
        public List<String> macros() {
            return plain.macros();
        }
    }

    private static KernelShape kernel(AttentionSpec spec, int rows) {
        return KernelShape.of(spec, 1, rows, 4, 2);
    }

    private static DecodeSchedule cut(AttentionSpec spec, BatchShape batch, int rows, int forced) {
        return DecodeSchedule.of(spec, batch, KernelChoice.all(kernel(spec, rows)), AT_ONCE, forced,
                MOST_PARTS);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 8, 12, 128})
    void raggedBatchesAreCoveredOnce(int group) {
        Random random = new Random(group);
        for (int run = 0; run < 60; run++) {
            int requests = 1 + random.nextInt(20);
            int[] qoLens = random.ints(requests, 0, run % 2 == 0 ? 2 : 9).toArray();
            int[] kvLens = random.ints(requests, 0, run % 3 == 0 ? 70 : 9000).toArray();
            AttentionSpec spec = Specs.of(1 + random.nextInt(8), group)
                    .windowLeft(run % 4 == 3 ? random.nextInt(500) : -1).build();
            BatchShape batch = Specs.batch(qoLens, kvLens);
            int rows = Tuning.rows(spec, Math.max(1, batch.maxQoLen()) * group);
            int forced = run % 5 == 4 ? 1 + random.nextInt(40) : 0;
            covers(spec, batch, rows, cut(spec, batch, rows, forced));
            int cluster = 2 << run % 4;
            covers(spec, batch, rows, cluster,
                    DecodeSchedule.of(spec, batch,
                            KernelChoice.all(new Clustered(kernel(spec, rows), cluster)),
                            AT_ONCE, forced, MOST_PARTS));
        }
    }

    @Test
    void requestsWithoutKeysAreWrittenAndThoseWithoutRowsAreNot() {
        AttentionSpec spec = Specs.of(4, 7).build();
        BatchShape batch = Specs.batch(new int[]{1, 0, 2, 0}, 0, 0, 0, 500);
        List<Unit> units = covers(spec, batch, 7, cut(spec, batch, 7, 0));
        assertEquals(3 * 4, units.size());
        assertTrue(units.stream().allMatch(unit -> unit.tokens() == 0 && unit.parts() == 1));
        assertEquals(0, cut(spec, Specs.batch(new int[]{0, 0}, 10, 20), 7, 0).count());
        assertEquals(0, cut(spec, Specs.batch(new int[]{}), 7, 0).count());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 32, 100, 4095, 5000})
    void windowBeginsInTheTileOfItsFirstKey(int windowLeft) {
        AttentionSpec spec = Specs.of(2, 3).windowLeft(windowLeft).causal().build();
        BatchShape batch = Specs.batch(new int[]{1, 4, 1}, 4096, 4096, 5);
        for (Unit unit : covers(spec, batch, 3, cut(spec, batch, 3, 0))) {
            assertTrue(unit.kvLen() - unit.kvStart() < windowLeft + unit.qoLen() + KernelShape.TILE,
                    () -> "reads more than the window and its tile: " + unit);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 32, 33})
    void forcedSplitsAreMadeAsFarAsThereAreTiles(int forced) {
        AttentionSpec spec = Specs.of(2, 7).build();
        BatchShape batch = Specs.decode(32 * 64, 40, 0);
        List<Unit> units = covers(spec, batch, 7, cut(spec, batch, 7, forced));
        int parts = Math.ceilDiv(64, Math.ceilDiv(64, forced));
        for (Unit unit : units) {
            assertEquals(switch (unit.kvLen()) {
                case 40 -> Math.min(forced, 2);
                case 0 -> 1;
                default -> parts;
            }, unit.parts());
        }
    }

    @Test
    void mergeIsNeverAskedForMorePartsThanItHolds() {
        AttentionSpec spec = Specs.of(1, 1).build();
        BatchShape batch = Specs.decode(32 * 100);
        DecodeSchedule schedule = DecodeSchedule.of(spec, batch, KernelChoice.all(kernel(spec, 1)), AT_ONCE,
                100, 8);
        covers(spec, batch, 1, schedule);
        assertTrue(schedule.maxParts() <= 8 && schedule.maxParts() > 4, () -> "" + schedule.maxParts());
    }

    @Test
    void fewRowsFillTheDeviceInOneRound() {
        for (int requests : new int[]{1, 2, 8, 30}) {
            for (int kvLen : new int[]{300, 4096, 131_072}) {
                AttentionSpec spec = Specs.of(4, 7).build();
                int[] kvLens = new int[requests];
                Arrays.fill(kvLens, kvLen);
                BatchShape batch = Specs.decode(kvLens);
                DecodeSchedule schedule = cut(spec, batch, 7, 0);
                covers(spec, batch, 7, schedule);
                assertTrue(schedule.count() <= AT_ONCE,
                        () -> schedule.count() + " units wait for a second round");
                int most = AT_ONCE / (4 * requests);
                int worthIt = Math.max(1, kvLen / DecodeSchedule.LEAST_TOKENS);
                assertTrue(schedule.maxParts() >= Math.min(most, worthIt) / 2,
                        () -> "idle: " + schedule.count());
            }
        }
    }

    @Test
    void manyEvenRowsAreNotCutAndOneLongAmongThemIs() {
        AttentionSpec spec = Specs.of(8, 4).build();
        int[] kvLens = new int[64];
        Arrays.fill(kvLens, 2048);
        DecodeSchedule even = cut(spec, Specs.decode(kvLens), 4, 0);
        assertEquals(64 * 8, even.count());
        assertEquals(0, even.slots());
        kvLens[40] = 200_000;
        BatchShape batch = Specs.decode(kvLens);
        DecodeSchedule uneven = cut(spec, batch, 4, 0);
        List<Unit> units = covers(spec, batch, 4, uneven);
        assertTrue(uneven.maxParts() >= 4, () -> "the long one is cut into " + uneven.maxParts());
        assertEquals(200_000, units.getFirst().kvLen(), "and begins first");
    }

    @Test
    void longPartsComeFirst() {
        AttentionSpec spec = Specs.of(8, 4).build();
        int[] kvLens = new Random(5).ints(100, 1, 1500).toArray();
        BatchShape batch = Specs.decode(kvLens);
        List<Unit> units = covers(spec, batch, 4, cut(spec, batch, 4, 0));
        for (int i = 1; i < units.size(); i++) {
            Unit before = units.get(i - 1);
            Unit after = units.get(i);
            assertEquals(1, after.parts());
            assertTrue(before.tokens() >= after.tokens(), () -> before + " comes before " + after);
        }
        kvLens[7] = 90_000;
        kvLens[70] = 40_000;
        units = covers(spec, Specs.decode(kvLens), 4, cut(spec, Specs.decode(kvLens), 4, 0));
        int shortest = 1 << 30;
        for (Unit unit : units) {
            int longest = Math.ceilDiv(unit.kvLen(), unit.parts()); // a part may be rounded up to whole tiles
            assertTrue(longest <= shortest + 2 * KernelShape.TILE, () -> "late: " + unit);
            shortest = Math.min(shortest, longest);
        }
    }

    /** Where the parts of a request begin and end, by head and tile. */
    private static List<List<Integer>> cuts(AttentionSpec spec, BatchShape batch, int request) {
        int row = batch.qoIndptr(request);
        return covers(spec, batch, 4, cut(spec, batch, 4, 0)).stream()
                .filter(unit -> unit.row() == row && unit.qoLen() == batch.qoLen(request))
                .map(unit -> List.of(unit.kvHead(), unit.firstRow(), unit.kvStart(), unit.kvEnd(),
                        unit.part(), unit.parts()))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8})
    void batchInvariantCutsAreThoseOfTheRequestAlone(int kvHeads) {
        Random random = new Random(kvHeads);
        boolean differs = false;
        for (int run = 0; run < 20; run++) {
            int requests = 2 + random.nextInt(60);
            int[] qoLens = random.ints(requests, 1, run % 2 == 0 ? 2 : 9).toArray();
            int[] kvLens = random.ints(requests, 1, run % 3 == 0 ? 700 : 40_000).toArray();
            AttentionSpec usual = Specs.of(kvHeads, 4)
                    .windowLeft(run % 4 == 3 ? random.nextInt(5000) : -1).build();
            AttentionSpec spec = usual.toBuilder().determinism(Determinism.BATCH_INVARIANT).build();
            BatchShape batch = Specs.batch(qoLens, kvLens);
            for (int i = 0; i < requests; i++) {
                BatchShape alone = Specs.batch(new int[]{qoLens[i]}, kvLens[i]);
                assertEquals(cuts(spec, alone, 0), cuts(spec, batch, i));
                differs |= !cuts(usual, alone, 0).equals(cuts(usual, batch, i));
            }
        }
        assertTrue(differs, "without the mode they depend on the batch, or this test sees nothing");
    }

    @Test
    void batchInvariantPartsFillADeviceAndStayFew() {
        AttentionSpec spec = Specs.of(8, 8).determinism(Determinism.BATCH_INVARIANT).build();
        int[] kvLens = new int[8];
        Arrays.fill(kvLens, 4096 + 300);
        DecodeSchedule schedule = cut(spec, Specs.decode(kvLens), 8, 0);
        assertEquals(8 * 8 * 4, schedule.count(), "one round on 132 multiprocessors with two CTAs each");
        assertEquals(1, cut(spec, Specs.decode(1500), 8, 0).maxParts());
        assertEquals(8, cut(spec, Specs.decode(8192), 8, 0).maxParts());
        assertEquals(32, cut(spec, Specs.decode(1 << 20), 8, 0).maxParts());
        AttentionSpec one = Specs.of(1, 8).determinism(Determinism.BATCH_INVARIANT).build();
        assertEquals(256, cut(one, Specs.decode(1 << 20), 8, 0).maxParts());
    }

    @Test
    void requestsOfAnotherKernelAreLeftToIt() {
        AttentionSpec spec = Specs.of(2, 4).determinism(Determinism.BATCH_INVARIANT).build();
        BatchShape batch = Specs.batch(new int[]{1, 3, 1, 0, 2}, 100, 2000, 5000, 10, 0);
        List<KernelChoice> choices = KernelChoice.each(batch, qoLen -> kernel(spec, qoLen == 1 ? 4 : 8));
        assertEquals(2, choices.size());
        List<Integer> rows = new ArrayList<>();
        for (KernelChoice choice : choices) {
            units(DecodeSchedule.of(spec, batch, choice, AT_ONCE, 0, MOST_PARTS)).forEach(unit -> {
                assertEquals(choice.kernel().rows() == 4, unit.qoLen() == 1);
                rows.add(unit.row());
            });
        }
        assertEquals(Set.of(0, 1, 4, 5), new HashSet<>(rows));
    }
}
