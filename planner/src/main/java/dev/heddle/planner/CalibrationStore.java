package dev.heddle.planner;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.DataType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Measured cost profiles, a JSON file for each fingerprint of device, driver, backend and version. */
final class CalibrationStore {
    private static final System.Logger LOGGER = System.getLogger("dev.heddle.planner");
    private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

    private final @Nullable Path directory;

    CalibrationStore(@Nullable Path directory) {
        this.directory = directory;
    }

    Optional<CostProfile> load(Discovery.Usable backend) {
        if (directory == null) {
            return Optional.empty();
        }
        Path file = directory.resolve(fileName(backend));
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            JsonObject json =
                    GSON.fromJson(Files.readString(file), JsonObject.class).getAsJsonObject("profile");
            Map<DataType, Double> gflops = new EnumMap<>(DataType.class);
            json.getAsJsonObject("gflops").asMap()
                    .forEach((id, rate) -> gflops.put(DataType.ofId(id), rate.getAsDouble()));
            return Optional.of(new CostProfile(json.get("read_gbytes_per_s").getAsDouble(), gflops,
                    json.get("other_gflops").getAsDouble(), json.get("parallel_units").getAsInt(),
                    json.get("min_tokens_per_unit").getAsInt(), json.get("launch_us").getAsDouble(),
                    json.get("plan_us").getAsDouble(), json.get("plan_us_per_request").getAsDouble(),
                    json.get("merge_us").getAsDouble(), json.get("cold_us").getAsDouble()));
        } catch (IOException | JsonParseException | IllegalArgumentException | IllegalStateException
                | UnsupportedOperationException | NullPointerException | ClassCastException e) {
            LOGGER.log(System.Logger.Level.WARNING,
                    "calibration file {0} cannot be used ({1}); shipped constants are"
                            + " used instead. Run 'heddle calibrate' to replace it",
                    file, e);
            return Optional.empty();
        }
    }

    /** Throws if there is nowhere to save to. */
    Path requireDirectory() {
        if (directory == null) {
            throw new IllegalStateException(
                    "no calibration directory: set HeddleBuilder.calibrationDirectory");
        }
        return directory;
    }

    Path save(Discovery.Usable backend, CostProfile profile) {
        Path target = requireDirectory();
        JsonObject constants = new JsonObject();
        constants.addProperty("read_gbytes_per_s", profile.readGbytesPerSecond());
        JsonObject gflops = new JsonObject();
        profile.gflops().forEach((dtype, rate) -> gflops.addProperty(dtype.id(), rate));
        constants.add("gflops", gflops);
        constants.addProperty("other_gflops", profile.otherGflops());
        constants.addProperty("parallel_units", profile.parallelUnits());
        constants.addProperty("min_tokens_per_unit", profile.minTokensPerUnit());
        constants.addProperty("launch_us", profile.launchMicros());
        constants.addProperty("plan_us", profile.planMicros());
        constants.addProperty("plan_us_per_request", profile.planMicrosPerRequest());
        constants.addProperty("merge_us", profile.mergeMicros());
        constants.addProperty("cold_us", profile.coldMicros());
        JsonObject json = new JsonObject();
        json.addProperty("backend", backend.name());
        json.addProperty("version", backend.provider().version());
        json.addProperty("device", backend.device().name());
        json.addProperty("arch", backend.device().arch());
        json.addProperty("driver", backend.device().driver());
        json.add("profile", constants);
        try {
            Files.createDirectories(target);
            Path file = target.resolve(fileName(backend));
            Path draft = Files.createTempFile(target, "calibration", ".tmp");
            try {
                Files.writeString(draft, GSON.toJson(json) + "\n");
                Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(draft);
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the calibration to " + target, e);
        }
    }

    static String fileName(Discovery.Usable backend) {
        DeviceInfo device = backend.device();
        String identity = String.join("\n", backend.provider().id(), backend.provider().version(),
                device.space().toString(), device.name(), device.arch(), device.driver());
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest(identity.getBytes(StandardCharsets.UTF_8));
            return backend.provider().id() + "-" + HexFormat.of().formatHex(digest, 0, 8) + ".json";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
