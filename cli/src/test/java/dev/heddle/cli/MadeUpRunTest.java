package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.heddle.conformance.declared.ModelGeometry;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MadeUpRunTest {
    static Stream<ModelGeometry> models() {
        return ModelGeometry.all().stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void everyModelsGeometryRunsAndVerifies(ModelGeometry model) {
        List<String> command = new ArrayList<>(List.of("run", "--json", "--causal",
                "--heads", model.numQoHeads() + "/" + model.numKvHeads(),
                "--head-dim", model.headDimQk() + "/" + model.headDimVo(),
                "--batch", "2x13", "--soft-cap", String.valueOf(model.logitsSoftCap()),
                "--window", String.valueOf(Math.min(model.windowLeft(), 9)))); // short enough to cut keys off
        if (model.sinks()) {
            command.add("--sinks");
        }
        verified(command);
    }

    @Test
    void theModelListIsWhole() {
        assertTrue(models().count() >= 40);
        assertTrue(models().anyMatch(ModelGeometry::sinks));
        assertTrue(models().anyMatch(m -> m.logitsSoftCap() > 0));
        assertTrue(models().anyMatch(m -> m.windowLeft() > 0));
        assertTrue(models().anyMatch(m -> m.headDimQk() != m.headDimVo()));
    }

    @ParameterizedTest
    @ValueSource(strings = {
            "--heads 14/2 --head-dim 64 --dtype f32 --batch 3*1x17",
            "--heads 71/1 --head-dim 64 --dtype f16 --batch 1x9",
            "--heads 9/3 --head-dim 80 --page-size 3 --batch 4x10,1x1",
            "--heads 4/4 --head-dim 192/128 --page-size 1 --batch 2x33 --causal",
            "--heads 12/2 --head-dim 96 --page-size 64 --batch 1x130 --window 64",
            "--heads 28/4 --head-dim 128 --kv-dtype fp8_e4m3 --batch 1x40",
            "--heads 28/4 --head-dim 128 --kv-dtype fp8_e5m2 --batch 1x40",
            "--heads 28/4 --head-dim 128 --kv-dtype int8 --batch 1x40",
            "--heads 8/2 --head-dim 32 --layout HND --batch 1x20,3x20 --causal --soft-cap 20",
            "--heads 8/2 --head-dim 32 --batch 1x0,0x5,1x3 --seed 7",
            "--heads 8/2 --head-dim 32 --batch 1x8 --backend cpu",
            "--heads 8/2 --head-dim 32 --batch 1x8 --backend all"
    })
    void smallShapesVerify(String flags) {
        List<String> command = new ArrayList<>(List.of("run", "--json"));
        command.addAll(List.of(flags.split(" ")));
        verified(command);
    }

    @Test
    void peopleAreToldWhoWasChosenAndHowGoodItIs() {
        Cli answer = Cli.run("run", "--heads", "14/2", "--head-dim", "64", "--batch", "2*1x30").exits(0);
        assertEquals("", answer.err());
        assertTrue(answer.out().contains("cpu"), answer.out());
        assertTrue(answer.out().contains("verified  all 2 requests, against fp64"), answer.out());
        assertTrue(answer.out().contains("GB/s"), answer.out());
    }

    @Test
    void aTimeOfNothingIsRefused() {
        Cli.run("run", "--batch", "1x8", "--millis", "0").exits(2).says("--millis must be 1 or more, got 0");
    }

    private static void verified(List<String> command) {
        command.addAll(List.of("--millis", "1")); // what they compute is tested here
        JsonObject document = Cli.run(command.toArray(String[]::new)).exits(0).json();
        String chosen = document.getAsJsonObject("plan").get("chosen").getAsString();
        assertTrue(List.of("cpu", "cpu-native").contains(chosen), chosen); // the second where gcc was there
        JsonObject result = document.getAsJsonArray("results").get(0).getAsJsonObject();
        assertTrue(result.get("verified").getAsBoolean(), result::toString);
        assertTrue(result.get("max_error").getAsDouble() <= result.get("max_error_bound").getAsDouble());
        assertTrue(result.get("mean_error").getAsDouble() <= result.get("mean_error_bound").getAsDouble());
        assertTrue(result.get("max_error_bound").getAsDouble() > 0, result::toString);
        assertTrue(result.get("max_error_bound").getAsDouble() < 1, result::toString);
        assertTrue(result.get("compared").getAsString().startsWith("all "), result::toString);
        assertTrue(result.get("time_us").getAsDouble() > 0, result::toString);
    }
}
