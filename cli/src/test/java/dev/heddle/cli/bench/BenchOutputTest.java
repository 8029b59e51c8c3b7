package dev.heddle.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.heddle.cli.Cli;
import dev.heddle.cli.input.BenchShape;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xml.sax.InputSource;

class BenchOutputTest {
    @TempDir
    Path directory;

    private static BenchRow row(String impl, int heads, String batch, double micros) {
        return new BenchRow(impl, heads, 8, 128, "bf16", "bf16", 16, batch, false, 134e6, micros, Double.NaN,
                Double.NaN, 40);
    }

    @Test
    void aLineOfCsvHasACellForEveryColumnAndLeavesWhatIsUnknownEmpty() throws IOException {
        Path file = directory.resolve("new/out.csv");
        BenchFiles.csv(List.of(row("cpu", 32, "1x16,3x9", 50)), file);
        List<String> lines = Files.readAllLines(file);
        assertEquals(2, lines.size());
        String[] cells = lines.get(1).split(",", -1);
        assertEquals(lines.get(0).split(",").length, cells.length, lines.get(1));
        assertEquals("1x16+3x9", cells[7]);
        assertEquals("", cells[11]);
        assertEquals(1.25, Double.parseDouble(cells[14]), 1e-9);
    }

    @Test
    void theJsonOfARowHasNoFigureThatWasNotMeasured() {
        JsonObject json = row("cpu", 32, "1x16", 50).json();
        assertFalse(json.has("p20_us"), json::toString);
        assertEquals(1.25, json.get("ratio").getAsDouble(), 1e-9);
    }

    @Test
    void thePlotIsXmlWithAPointForEachRowAndNamesEveryImplementation() throws Exception {
        String svg = BenchPlot.svg(List.of(row("a<b", 8, "1x16", 50), row("a<b", 16, "1x16", 60),
                row("peer", 8, "1x32", 70)));
        var document = DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder()
                .parse(new InputSource(new StringReader(svg)));
        // Three rows over bytes and the two of one setting over groups.
        assertEquals(5, document.getElementsByTagName("title").getLength());
        assertTrue(svg.contains("a&lt;b") && svg.contains("peer"), svg);
        assertTrue(BenchPlot.svg(List.of()).contains("nothing was timed"));
    }

    @Test
    void quantilesLieBetweenNeighbours() {
        double[] sorted = {1, 2, 3, 4};
        assertEquals(2.5, DeviceBench.quantile(sorted, 0.5), 1e-12);
        assertEquals(1, DeviceBench.quantile(sorted, 0), 1e-12);
        assertEquals(4, DeviceBench.quantile(sorted, 1), 1e-12);
        assertEquals(7, DeviceBench.quantile(new double[]{7}, 0.8), 1e-12);
    }

    @Test
    void peersAreMatchedToTheirShape() throws IOException {
        Path file = Files.writeString(directory.resolve("peers.csv"),
                PeerFile.HEADER + "\nsdpa,32,8,128,bf16,bf16,16,8*1x4096,49.7\n\n");
        PeerFile.Row peer = PeerFile.read(file).getFirst();
        BenchShape same = new BenchShape("32/8", 128, "bf16", "bf16", 16, "8*1x4096", false);
        BenchShape longer = new BenchShape("32/8", 128, "bf16", "bf16", 16, "8*1x8192", false);
        BenchShape quantised = new BenchShape("32/8", 128, "bf16", "fp8_e4m3", 16, "8*1x4096", false);
        assertTrue(peer.isOf(same, same.spec()));
        assertFalse(peer.isOf(longer, longer.spec()));
        assertFalse(peer.isOf(quantised, quantised.spec()));
        assertEquals(49.7, peer.row(same, 1e6, 40).micros());
    }

    @ParameterizedTest
    @ValueSource(strings = {"sdpa,32,8,128,bf16,bf16,16,8*1x4096", "sdpa,32,8,128,bf16,bf16,16,8*1x4096,NaN",
            "sdpa,x,8,128,bf16,bf16,16,8*1x4096,1", "sdpa,32,8,128,bf16,bf16,16,8*1x4096,0"})
    void aBadPeerIsNamedByItsLine(String line) throws IOException {
        Path file = Files.writeString(directory.resolve("peers.csv"), PeerFile.HEADER + "\n" + line + "\n");
        String message = assertThrows(IllegalArgumentException.class, () -> PeerFile.read(file)).getMessage();
        assertTrue(message.contains("peers.csv, line 2"), message);
    }

    @Test
    void theDevicesDefaultsAreDistinctAndHaveEveryGroupUpToEight() {
        List<BenchShape> rows = BenchShape.deviceDefaults();
        assertEquals(rows.size(), new HashSet<>(rows).size());
        var groups = rows.stream().map(r -> r.spec().numQoHeads() / r.spec().numKvHeads()).toList();
        for (int group = 1; group <= 8; group++) {
            assertTrue(groups.contains(group), "group " + group);
        }
    }

    @Test
    void theHostsRowsAreWrittenToTheFilesAskedFor() throws IOException {
        Path shapes = Files.writeString(directory.resolve("shapes.csv"),
                "heads,head_dim,dtype,kv_dtype,page_size,batch,causal\n14/2,64,bf16,bf16,16,1x64,false\n");
        Path csv = directory.resolve("out.csv");
        Path svg = directory.resolve("out.svg");
        Cli.run("bench", "--backend", "cpu", "--shapes", shapes.toString(), "--csv", csv.toString(), "--plot",
                svg.toString(), "--millis", "1", "--against", "none").exits(0);
        assertEquals(2, Files.readAllLines(csv).size());
        assertTrue(Files.readString(svg).startsWith("<svg"));
    }
}
