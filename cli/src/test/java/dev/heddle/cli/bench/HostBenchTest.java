package dev.heddle.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.heddle.cli.Cli;
import dev.heddle.cli.input.BenchShape;
import dev.heddle.cli.limits.HostMeter;
import dev.heddle.cli.limits.Limits;
import dev.heddle.core.tensor.DataType;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xml.sax.InputSource;

class HostBenchTest {
    private static final String HEADER = "heads,head_dim,dtype,kv_dtype,page_size,batch,causal,threads\n";

    @TempDir
    Path directory;

    private String shapes(String text) throws IOException {
        return Files.writeString(directory.resolve("shapes.csv"), HEADER + text).toString();
    }

    @Test
    void aPeerIsTimedOnTheSameValuesAndAgrees() throws IOException {
        String file = shapes("14/2,64,bf16,bf16,16,1x64+3x9,true,1\n14/2,64,bf16,fp8_e4m3,4,1x64+3x9,true,1\n"
                + "8/8,32,f32,int8,4,2*1x16,false,all\n");
        JsonObject document =
                Cli.run("bench", "--backend", "cpu", "--shapes", file, "--millis", "5", "--against",
                        "plain-loop", "--json").exits(0).json();
        assertEquals("[\"plain-loop\"]", document.getAsJsonObject("limits").get("peers").toString());
        List<JsonObject> rows = new ArrayList<>();
        for (JsonElement row : document.getAsJsonArray("rows")) {
            rows.add(row.getAsJsonObject());
        }
        // The second shape differs in what the loop has not: it is not timed again. int8 it refuses.
        assertEquals(List.of("cpu", "plain-loop", "cpu", "cpu", "plain-loop"),
                rows.stream().map(row -> row.get("impl").getAsString()).toList());
        for (JsonObject row : rows) {
            assertEquals(1, row.get("ratio").getAsDouble() * row.get("share").getAsDouble(), 1e-9);
            assertTrue(row.get("p25_us").getAsDouble() <= row.get("time_us").getAsDouble(), row::toString);
            assertTrue(row.get("time_us").getAsDouble() <= row.get("p75_us").getAsDouble(), row::toString);
            assertTrue(row.get("read_gbytes_per_s").getAsDouble() > 0, row::toString);
        }
        JsonObject loop = rows.get(1);
        assertEquals(1, loop.get("threads").getAsInt());
        assertEquals("f32", loop.get("kv_dtype").getAsString());
        assertEquals(2 * rows.getFirst().get("kv_bytes").getAsDouble(), loop.get("kv_bytes").getAsDouble());
        assertTrue(loop.get("agrees").getAsBoolean(), loop::toString);
        assertEquals(loop.get("time_us").getAsDouble() / rows.getFirst().get("time_us").getAsDouble(),
                loop.get("times_heddle").getAsDouble(), 1e-9);
        assertTrue(rows.get(4).get("agrees").getAsBoolean(), rows.get(4)::toString);
        String skipped = document.getAsJsonArray("skipped").toString();
        assertTrue(skipped.contains("plain-loop int8") && skipped.contains("f32 KV alone"), skipped);
    }

    @Test
    void whatIsMissingIsTold() throws IOException {
        String file = shapes("8/8,32,f32,f32,4,1x16,false,1\n");
        Cli answer = Cli.run("bench", "--backend", "cpu", "--shapes", file, "--millis", "1", "--peer-dir",
                directory.toString()).exits(0);
        assertTrue(answer.out().contains("mvn"), answer::toString);
        assertTrue(answer.out().contains("plain-loop"), answer::toString);
        Cli.run("bench", "--shapes", file, "--against", "someone").exits(2).says("someone", "plain-loop");
        Cli.run("bench", "--shapes", file, "--millis", "0").exits(2).says("--millis");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "two", "", "-1"})
    void badThreadsAreNamedByTheirLine(String threads) throws IOException {
        Cli.run("bench", "--shapes", shapes("8/8,32,f32,f32,4,1x16,false," + threads + "\n")).exits(2)
                .says("line 2", "threads");
    }

    @Test
    void moreThreadsThanTheMachineHas() throws IOException {
        Cli.run("bench", "--backend", "cpu", "--shapes", shapes("8/8,32,f32,f32,4,1x16,false,9999\n"),
                "--against",
                "none", "--json").exits(2).saysJson("BAD_INPUT", "9999 threads");
    }

    @Test
    void aWrongResultIsCalledWrong() {
        float[] right = {1, -2, 0.5f};
        assertTrue(Difference.of(new float[]{1, -2, 0.501f}, right, DataType.F32).agrees());
        assertFalse(Difference.of(new float[]{1, -2, 0.51f}, right, DataType.F32).agrees());
        assertTrue(Difference.of(new float[]{1, -2, 0.51f}, right, DataType.BF16).agrees());
        assertEquals(4, Difference.of(new float[]{1, 2, 0.5f}, right, DataType.BF16).most());
        assertFalse(Difference.of(new float[]{1, Float.NaN, 0.5f}, right, DataType.BF16).agrees());
        assertFalse(Difference.of(new float[]{1, -2}, right, DataType.F32).agrees());
    }

    @Test
    void copiesExceedTwiceTheLargestCache() {
        double cache = HostMeter.cacheBytes();
        for (double bytes : new double[]{cache / 7, cache, 3 * cache}) {
            assertTrue(HostRow.copies(bytes) * bytes > 2 * cache,
                    () -> HostRow.copies(bytes) + " of " + bytes);
        }
        assertEquals(1, HostRow.copies(3 * cache));
    }

    @Test
    void theLimitIsTheSlowerOfMemoryAndArithmetic() {
        Limits limits = new Limits(20, 300).between(new Limits(30, 100));
        assertEquals(40, limits.micros(1e6, 1e6), 1e-9);
        assertEquals(150, limits.micros(1e6, 30e6), 1e-9);
    }

    private static BenchRow row(String impl, int heads, String batch, int threads, double micros) {
        HostFigures host =
                new HostFigures(threads, 9, micros, micros, Double.NaN, 1e6, new Limits(20, 300), 0,
                        Double.NaN, true, Double.NaN);
        return new BenchRow(impl, heads, 8, 128, "f32", "f32", impl.equals("cpu") ? 16 : 0, batch, false, 1e6,
                micros, micros, micros, 50, host);
    }

    @Test
    void thePlotHasAPanelForLengthsAndOneForGroups() throws Exception {
        String svg = HostPlot.svg(List.of(row("cpu", 32, "1*1x1024", 2, 55), row("cpu", 32, "1x4096", 2, 56),
                row("cpu", 8, "1x4096", 2, 57), row("peer", 32, "1x4096", 2, 800),
                row("cpu", 32, "1x4096", 1, 90),
                row("cpu", 32, "9x9", 2, 90)));
        var document = DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder()
                .parse(new InputSource(new StringReader(svg)));
        // Two lengths of cpu and one of peer; two groups of cpu and one of peer. Not one thread, nor the prefill.
        assertEquals(6, document.getElementsByTagName("title").getLength(), svg);
        assertEquals(2, document.getElementsByTagName("polyline").getLength(), svg);
        assertTrue(svg.contains("by kv_len") && svg.contains("by group size"), svg);
    }

    @Test
    void theRowsOfTheCpusFileAreDistinctAndHaveEveryGroupUpToEight() throws IOException {
        Path file = Path.of("").toAbsolutePath().getParent().resolve("benchmarks/shapes/cpu.csv");
        List<BenchShape> rows = BenchShape.read(file);
        assertEquals(rows.size(), rows.stream().distinct().count());
        var groups = rows.stream().map(row -> row.spec().numQoHeads() / row.spec().numKvHeads()).toList();
        for (int group = 1; group <= 8; group++) {
            assertTrue(groups.contains(group), "group " + group);
        }
    }
}
