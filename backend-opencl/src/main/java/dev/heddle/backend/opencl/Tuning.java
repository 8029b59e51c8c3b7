package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.DeviceKind;
import dev.heddle.backend.opencl.device.OpenClDevice;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The choices that follow from the kind of device (docs/performance.md).
 *
 * @param device the device
 * @param shared whether work-items share tiles in local memory, as on GPUs
 */
record Tuning(OpenClDevice device, boolean shared) {
    private static final int ITEMS = 128; // of a group that shares a tile
    private static final int ALONE_TOKENS = 64;
    private static final int LEAST_VECTOR = 8;
    private static final int MOST_VECTOR = 16;
    private static final int MOST_SHARED_TOKENS = 64;
    private static final int LEAST_SHARED_TOKENS = 16;

    /** Local memory of a group such that a multiprocessor holds several; what every driver allows without asking. */
    private static final long MOST_LOCAL = 48 << 10;

    /** KV tokens below which a part is not worth its merge. */
    private static final int LEAST_TOKENS = 256;

    private static final int UNITS_PER_CORE = 4; // so that the last to finish is not far behind
    private static final int GROUPS_PER_UNIT = 3; // that a GPU's compute unit holds at once

    static Tuning of(OpenClDevice device) {
        return new Tuning(device, device.kind() != DeviceKind.CPU);
    }

    /** A tile and the rows that go with it. */
    record Choice(Tile tile, int rows) {}

    /** Returns the tile for so many rows (query rows × group) of a KV head. */
    Choice choose(AttentionSpec spec, int all) {
        for (int most = KernelShape.MOST_ROWS; most > 1; most /= 2) {
            int rows = KernelShape.rows(all, most);
            Tile tile = tile(spec, rows);
            if (tile != null) {
                return new Choice(tile, rows);
            }
        }
        return new Choice(new Tile(true, ITEMS, LEAST_SHARED_TOKENS, 1), 1);
    }

    private @Nullable Tile tile(AttentionSpec spec, int rows) {
        if (!shared) {
            return new Tile(false, 1, ALONE_TOKENS,
                    Math.clamp(device.floatVector(), LEAST_VECTOR, MOST_VECTOR));
        }
        for (int tokens = MOST_SHARED_TOKENS; tokens >= LEAST_SHARED_TOKENS; tokens /= 2) {
            if (Tile.localBytes(spec, rows, tokens, ITEMS) <= Math.min(MOST_LOCAL, device.localBytes())) {
                return new Tile(true, ITEMS, tokens, 1);
            }
        }
        return null;
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
