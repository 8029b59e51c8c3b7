package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.capability.IntRange;
import dev.heddle.core.spi.CostProfile;
import dev.heddle.core.spi.DeviceInfo;
import dev.heddle.core.tensor.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationTest {
    private static final BatchShape BATCH = Layer.batch(5);
    private static final CostProfile PROFILE =
            new CostProfile(12.5, Map.of(DataType.F32, 3.25), 2, 7, 64, 1.5, 2.5, 0.125, 4, 5);

    @TempDir
    Path directory;

    /** Declares short sequences and small batches, so that it is measured quickly. */
    private static FakeBackend small() {
        return new FakeBackend("small").costs(1, 4321).capabilities(FakeBackend.DECODE.toBuilder()
                .kvLen(IntRange.of(0, 64)).batchSize(IntRange.of(1, 8)).build());
    }

    private Heddle open(FakeBackend backend) {
        return Heddle.builder().providers(List.of(backend)).calibrationDirectory(directory).open();
    }

    private static double launch(Heddle heddle) {
        return heddle.explain(Layer.SPEC, BATCH).candidates().getFirst().terms().get("launch");
    }

    private static Discovery.Usable usable(FakeBackend backend) {
        return new Discovery.Usable(backend.id(), backend, FakeBackend.DECODE, DeviceInfo.host(), "");
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    @Test
    void calibrationReplacesShippedConstantsNowAndLater() throws IOException {
        List<Double> shares = new ArrayList<>();
        double measured;
        try (Heddle heddle = open(small())) {
            assertEquals(4321, launch(heddle));
            Calibration calibration = heddle.calibrate("small", shares::add);
            assertEquals("small", calibration.backend());
            assertEquals(4321, calibration.shipped().launchMicros());
            measured = calibration.profile().launchMicros();
            assertEquals(measured, launch(heddle));
            assertTrue(calibration.profile().readGbytesPerSecond() > 0);
            assertTrue(calibration.profile().gflops(DataType.F32) > 0);
        }
        assertEquals(shares.stream().sorted().toList(), shares);
        assertEquals(1, shares.getLast());
        assertEquals(1, files().size());
        try (Heddle later = open(small())) {
            assertEquals(measured, launch(later));
        }
        try (Heddle newer = open(small().version("9"))) {
            assertEquals(4321, launch(newer), "another version is another fingerprint");
        }
    }

    @Test
    void profileSurvivesTheFile() {
        CalibrationStore store = new CalibrationStore(directory.resolve("deep/er"));
        FakeBackend fake = new FakeBackend("fake");
        assertEquals(Optional.empty(), store.load(usable(fake)));
        store.save(usable(fake), PROFILE);
        assertEquals(Optional.of(PROFILE), store.load(usable(fake)));
        CostProfile next = FakeBackend.cost(3, 4);
        store.save(usable(fake), next);
        assertEquals(Optional.of(next), store.load(usable(fake)));
    }

    @Test
    void saveLeavesOneReadableFile() throws IOException {
        Path file = new CalibrationStore(directory).save(usable(new FakeBackend("fake")), PROFILE);
        assertEquals(List.of(file), files());
        JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        assertEquals("fake", json.get("backend").getAsString());
        assertEquals("1.2.3", json.get("version").getAsString());
        assertTrue(file.getFileName().toString().matches("fake-[0-9a-f]{16}\\.json"), file.toString());
    }

    @Test
    void corruptFileFallsBackToShippedConstants() throws IOException {
        FakeBackend fake = new FakeBackend("fake").costs(1, 4321);
        CalibrationStore store = new CalibrationStore(directory);
        Path file = store.save(usable(fake), PROFILE);
        String good = Files.readString(file);
        try (Heddle heddle = open(fake)) {
            assertEquals(1.5, launch(heddle));
        }
        List<String> corrupt =
                List.of("", "{", "[]", "null", "7", "{}", "{\"profile\":[]}", "{\"profile\":{}}",
                        good.substring(0, good.length() / 2),
                        good.replace("\"launch_us\": 1.5", "\"launch_us\": null"),
                        good.replace("\"launch_us\": 1.5", "\"launch_us\": {}"),
                        good.replace("\"launch_us\": 1.5", "\"launch_us\": \"soon\""),
                        good.replace("12.5", "-12.5"), good.replace("\"f32\"", "\"f33\""));
        for (String content : corrupt) {
            assertTrue(!content.equals(good), "every case must differ from the good file");
            Files.writeString(file, content);
            try (Heddle heddle = open(fake)) {
                assertEquals(4321, launch(heddle), content);
            }
        }
        Files.write(file, new byte[]{(byte) 0xff, (byte) 0xfe, 0});
        assertEquals(Optional.empty(), store.load(usable(fake)));
    }

    @Test
    void calibrationNeedsADirectoryBeforeItMeasures() {
        FakeBackend fake = small();
        try (Heddle heddle = Layer.open(fake)) {
            String message = assertThrows(IllegalStateException.class,
                    () -> heddle.calibrate("small", share -> {})).getMessage();
            assertTrue(message.contains("calibrationDirectory"), message);
        }
        assertEquals(0, fake.runs.get());
    }

    @Test
    void unknownBackendCannotBeCalibrated() {
        try (Heddle heddle = open(small())) {
            assertEquals("no backend 'large'; found: small", assertThrows(UnknownBackendException.class,
                    () -> heddle.calibrate("large", share -> {})).getMessage());
        }
    }
}
