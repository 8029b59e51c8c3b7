package dev.heddle.backend.opencl;

import dev.heddle.backend.opencl.device.DeviceKind;
import dev.heddle.backend.opencl.device.OpenClDevice;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.tensor.DataType;
import java.util.Map;

/** The choices that follow from the kind of device. */
record Tuning(OpenClDevice device) {
    static Tuning of(OpenClDevice device) {
        return new Tuning(device);
    }

    /** Returns the sizes of a tile for a spec. */
    Tile tile(AttentionSpec spec, int rows) {
        return new Tile(false, 1, 64, Math.clamp(device.floatVector(), 8, 16));
    }

    /** Returns KV tokens below which a part is not worth its merge. */
    int leastTokens() {
        return 256;
    }

    /** Returns units that keep the device busy. */
    int units(KernelShape shape) {
        return device.kind() == DeviceKind.CPU ? 4 * device.computeUnits() : 4 * device.computeUnits();
    }

    /** Returns what the planner assumes until the device is measured. */
    CostProfile costProfile() {
        int units = device.computeUnits();
        double read = device.kind() == DeviceKind.CPU ? 8.0 * Math.min(units, 8) : 15.0 * units;
        double rate = device.kind() == DeviceKind.CPU ? 20.0 * units : 60.0 * units;
        return new CostProfile(read, Map.of(DataType.F32, rate), rate, units, 256, 30, 20, 0.2, 10, 0);
    }
}
