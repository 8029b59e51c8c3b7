package dev.heddle.cli.peer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PeerRowTest {
    @TempDir
    Path folder;

    @Test
    void aLineSaysAllThatARowHas() throws IOException {
        PeerRow row = Rows.small(folder, "int8");
        PeerRow read = PeerRow.parse(row.line());
        assertEquals(row.line(), read.line());
        assertArrayEquals(new int[]{1, 3}, read.qoLens());
        assertArrayEquals(new int[]{5, 3}, read.kvLens());
        assertEquals(row.input(), read.input());
        assertEquals(8, read.totalKvLen());
        assertEquals(4, read.totalQoLen());
    }

    @Test
    void causalRowsSeeUpToThemselves() throws IOException {
        PeerRow row = Rows.small(folder, "f32");
        assertEquals(5, row.visible(0, 0));
        assertEquals(1, row.visible(1, 0));
        assertEquals(3, row.visible(1, 2));
    }

    @ParameterizedTest
    @CsvSource({"threads=2,threads=0,threads", "threads=2,threads=two,threads", "copies=3,,copies",
            "copies=3,copies=3\tcopies=3,copies", "kv_lens=5;3,kv_lens=5,kv_lens",
            "kv_lens=5;3,kv_lens=5;x,kv_lens", "k_scale=1.0,k_scale=one,k_scale",
            "causal=true,causal,causal"})
    void aMalformedLineIsRefusedByTheNameOfItsKey(String part, String replacement, String key)
            throws IOException {
        String line = Rows.small(folder, "f32").line();
        String from = part.replace(';', ',');
        assertTrue(line.contains(from), line);
        String wrong = replacement == null ? line.replace("\t" + from, "")
                : line.replace(from, replacement.replace(';', ','));
        String message =
                assertThrows(IllegalArgumentException.class, () -> PeerRow.parse(wrong)).getMessage();
        assertTrue(message.contains(key), message);
    }
}
