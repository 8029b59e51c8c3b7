package dev.heddle.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchAndCalibrateTest {
    private static final String HEADER = "heads,head_dim,dtype,kv_dtype,page_size,batch,causal\n";

    @TempDir
    Path directory;

    private String shapes(String text) throws IOException {
        return Files.writeString(directory.resolve("shapes.csv"), text).toString();
    }

    @Test
    void benchTimesEveryShapeBesideTheLimits() throws IOException {
        String file = shapes(HEADER + "14/2,64,bf16,bf16,16,1x64,false\n\n8/8,32,f32,,4,2*1x16+3x9,true\n");
        JsonObject document =
                Cli.run("bench", "--backend", "cpu", "--shapes", file, "--millis", "1", "--against", "none",
                        "--json").exits(0)
                        .json();
        assertTrue(document.getAsJsonObject("limits").get("read_gbytes_per_s").getAsDouble() > 0);
        assertTrue(document.getAsJsonObject("limits").get("fma_gflops").getAsDouble() > 0);
        assertEquals(2, document.getAsJsonArray("rows").size());
        JsonObject first = document.getAsJsonArray("rows").get(0).getAsJsonObject();
        assertTrue(
                first.keySet().containsAll(Set.of("impl", "num_qo_heads", "num_kv_heads", "head_dim", "dtype",
                        "kv_dtype", "page_size", "batch", "time_us", "limit_us", "ratio")),
                first::toString);
        assertEquals("cpu", first.get("impl").getAsString());
        assertEquals(14, first.get("num_qo_heads").getAsInt());
        double ratio = first.get("time_us").getAsDouble() / first.get("limit_us").getAsDouble();
        assertEquals(ratio, first.get("ratio").getAsDouble(), 1e-6 * ratio);
        JsonObject second = document.getAsJsonArray("rows").get(1).getAsJsonObject();
        assertEquals("2*1x16,3x9", second.get("batch").getAsString());
        assertTrue(second.get("causal").getAsBoolean());
    }

    @Test
    void severalBackendsAreNamedWithCommas() throws IOException {
        String file = shapes(HEADER + "8/8,32,f32,,4,1x16,true\n");
        JsonObject document =
                Cli.run("bench", "--backend", "cpu,cpu", "--shapes", file, "--millis", "1", "--against",
                        "none", "--json").exits(0).json();
        assertEquals(1, document.getAsJsonArray("rows").size());
        Cli.run("bench", "--backend", "cpu,abacus", "--shapes", file).exits(2).says("abacus", "cpu");
    }

    @Test
    void rowsMayAskForDeterminism() throws IOException {
        String file = shapes(HEADER + "8/8,32,f32,,4,1x16,true\n");
        JsonObject document =
                Cli.run("bench", "--backend", "cpu", "--shapes", file, "--millis", "1", "--against",
                        "none", "--determinism", "batch-invariant", "--json").exits(0).json();
        assertEquals("batch-invariant", document.get("determinism").getAsString());
        Cli.run("bench", "--determinism", "always").exits(2).says("always", "batch-invariant");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "14/2,64,bf16,bf16,16,1x64 | 7 columns", "14/2,x,bf16,bf16,16,1x64,false | x",
            "14/3,64,bf16,bf16,16,1x64,false | 14", "14/2,64,bf17,bf16,16,1x64,false | bf17",
            "14/2,64,bf16,bf17,16,1x64,false | bf17", "14/2,64,bf16,bf16,0,1x64,false | 0",
            "14/2,64,bf16,bf16,16,64,false | 64", "14/2,64,bf16,bf16,16,1x64,maybe | maybe"
    })
    void aBadRowIsNamedByItsLine(String row, String word) throws IOException {
        String file = shapes(HEADER + "14/2,64,bf16,bf16,16,1x64,false\n" + row + "\n");
        Cli.run("bench", "--shapes", file).exits(2).says(file + ", line 3", word);
    }

    @Test
    void shapesThatCannotBeRead() throws IOException {
        Cli.run("bench", "--shapes", shapes("heads,batch\n")).exits(2).says("first line must be");
        Cli.run("bench", "--shapes", shapes("")).exits(2).says("first line must be");
        String absent = directory.resolve("absent.csv").toString();
        Cli.run("bench", "--shapes", absent, "--json").exits(2).saysJson("BAD_INPUT", absent);
        Files.write(directory.resolve("binary.csv"), new byte[]{(byte) 0xFF, (byte) 0xFE, 0});
        Cli.run("bench", "--shapes", directory.resolve("binary.csv").toString()).exits(2).says("binary.csv");
    }

    @Test
    void calibrateMeasuresTheCpuAndKeepsItInTheUsersFolder() throws IOException {
        String home = System.getProperty("user.home");
        System.setProperty("user.home", directory.toString());
        JsonObject document;
        try {
            document = Cli.run("calibrate", "--backend", "cpu", "--json").exits(0).json();
        } finally {
            System.setProperty("user.home", home);
        }
        assertEquals(1, document.getAsJsonArray("calibrated").size());
        JsonObject cpu = document.getAsJsonArray("calibrated").get(0).getAsJsonObject();
        assertEquals("cpu", cpu.get("backend").getAsString());
        for (String constant : Set.of("read_gbytes_per_s", "launch_us", "plan_us", "plan_us_per_request")) {
            assertTrue(cpu.get(constant).getAsDouble() >= 0, constant);
        }
        assertTrue(cpu.get("read_gbytes_per_s").getAsDouble() > 0);
        assertTrue(cpu.getAsJsonObject("gflops").get("f32").getAsDouble() > 0);
        if (System.getenv("HEDDLE_HOME") == null) {
            try (Stream<Path> kept = Files.walk(directory.resolve(".heddle").resolve("calibration"))) {
                assertEquals(1, kept.filter(Files::isRegularFile).count());
            }
        }
    }
}
