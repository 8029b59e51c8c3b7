package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.DeviceKind;
import dev.heddle.backend.opencl.device.OpenClDevice;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The choices that follow from the kind of device, or were measured on it (docs/performance-opencl.md).
 *
 * @param device the device
 * @param shared whether work-items share tiles in local memory, as on GPUs
 * @param measured tiles by rows (query rows × group) of a tile; what is missing follows from the kind
 */
record Tuning(OpenClDevice device, boolean shared, Map<Integer, Tile> measured) {
    private static final int ITEMS = 128; // of a group that shares a tile
    private static final int ALONE_TOKENS = 64;
    private static final int LEAST_VECTOR = 8;
    private static final int MOST_VECTOR = 16;
    private static final int MOST_SHARED_TOKENS = 64;
    private static final int LEAST_SHARED_TOKENS = 16;

    /** Sums of more rows take the registers that would hold what is under way. */
    private static final int MOST_ROWS_OF_ONE_TEAM = 4;

    /** Local memory of a group such that a multiprocessor holds several; what every driver allows without asking. */
    private static final long MOST_LOCAL = 48 << 10;

    /** By rows, as {@code heddle calibrate} found them on an H100. */
    private static final Map<Integer, Tile> OF_NVIDIA = Map.of(
            1, together(128, 32, 1), 2, together(128, 16, 1), 3, together(128, 32, 1), 4,
            together(256, 64, 1),
            5, together(128, 32, 2), 6, together(128, 32, 2), 7, together(128, 64, 1),
            8, together(128, 32, 2));

    /** KV tokens below which a part is not worth its merge. */
    private static final int LEAST_TOKENS = 256;

    private static final int UNITS_PER_CORE = 4; // so that the last to finish is not far behind
    private static final int GROUPS_PER_UNIT = 3; // that a GPU's compute unit holds at once

    /** Copies the map. */
    Tuning {
        measured = Map.copyOf(measured);
    }

    /** Returns what goes with the kind of device. */
    static Tuning of(OpenClDevice device) {
        boolean shared = device.kind() != DeviceKind.CPU;
        return new Tuning(device, shared, shared && device.isNvidia() ? OF_NVIDIA : Map.of());
    }

    /** A tile and the rows that go with it. */
    record Choice(Tile tile, int rows) {}

    /** Returns the tile for so many rows (query rows × group) of a KV head. */
    Choice choose(AttentionSpec spec, int all) {
        for (int most = KernelShape.MOST_ROWS; most > 1; most /= 2) {
            int rows = KernelShape.rows(all, most);
            Tile best = measured.get(rows);
            if (best != null && fits(spec, rows, best)) {
                return new Choice(best, rows);
            }
            for (Tile tile : usual()) {
                if (fits(spec, rows, tile)) {
                    return new Choice(tile, rows);
                }
            }
        }
        return new Choice(usual().getLast(), 1);
    }

    /** Returns the file that its kernels lie in. */
    String usualSource() {
        return usual().getFirst().source();
    }

    /** Returns the tiles of this kind of device, the first that fits being the one to take. */
    private List<Tile> usual() {
        if (!shared) {
            return List.of(alone(ALONE_TOKENS, device.floatVector()));
        }
        List<Tile> tiles = new ArrayList<>();
        for (int tokens = MOST_SHARED_TOKENS; tokens >= LEAST_SHARED_TOKENS; tokens /= 2) {
            tiles.add(together(ITEMS, tokens, 1));
        }
        return tiles;
    }

    private static Tile together(int items, int tokens, int teams) {
        return new Tile(true, items, tokens, 1, teams);
    }

    private static Tile alone(int tokens, int vector) {
        return new Tile(false, 1, tokens, Math.clamp(vector, LEAST_VECTOR, MOST_VECTOR), 1);
    }

    /** Returns whether a group has the local memory, and a work-item for each chunk of a row, that a tile takes. */
    boolean fits(AttentionSpec spec, int rows, Tile tile) {
        return !tile.shared() || tile.groupSize() <= device.largestGroup() && tile.hasItems(spec)
                && tile.localBytes(spec, rows) <= Math.min(MOST_LOCAL, device.localBytes());
    }

    /** Returns the tiles that are worth measuring. */
    List<Tile> candidates(int rows) {
        List<Tile> tiles = new ArrayList<>();
        if (!shared) {
            for (int vector = LEAST_VECTOR; vector <= Math.clamp(device.floatVector(), LEAST_VECTOR,
                    MOST_VECTOR); vector *= 2) {
                tiles.add(alone(ALONE_TOKENS / 2, vector));
                tiles.add(alone(ALONE_TOKENS, vector));
                tiles.add(alone(2 * ALONE_TOKENS, vector));
            }
            return tiles;
        }
        for (int items : new int[]{ITEMS, 2 * ITEMS}) {
            for (int tokens = LEAST_SHARED_TOKENS; tokens <= MOST_SHARED_TOKENS; tokens *= 2) {
                for (int teams = 1; teams <= (rows > MOST_ROWS_OF_ONE_TEAM ? 2 : 1); teams++) {
                    tiles.add(together(items, tokens, teams));
                }
            }
        }
        return tiles;
    }

    int leastTokens() {
        return LEAST_TOKENS;
    }

    /** Returns units that keep the device busy. */
    int units() {
        return device.computeUnits() * (shared ? GROUPS_PER_UNIT : UNITS_PER_CORE);
    }

    /** Returns what the planner assumes until the device is measured. */
    CostProfile costProfile() {
        int units = device.computeUnits();
        return switch (device.kind()) {
            // As backend-cpu, of which this is seldom faster.
            case CPU ->
                new CostProfile(7.0 * Math.min(units, 8), Map.of(DataType.F32, 20.0 * units), 15.0 * units,
                        units, LEAST_TOKENS, 60, 30, 0.3, 30, 0);
            case INTEGRATED_GPU ->
                new CostProfile(40, Map.of(), 15.0 * units, units, LEAST_TOKENS, 60, 30, 0.3, 30,
                        0);
            case DISCRETE_GPU ->
                new CostProfile(15.0 * units, Map.of(), 80.0 * units, units, LEAST_TOKENS, 15, 20,
                        0.3, 8, 0);
        };
    }
}
