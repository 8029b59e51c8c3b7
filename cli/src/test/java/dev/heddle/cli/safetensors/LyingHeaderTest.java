package dev.heddle.cli.safetensors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Headers that say what is not so. Every file here has 16 bytes of data. */
class LyingHeaderTest {
    private static final int DATA = 16;

    @TempDir
    Path directory;

    private static String entry(String dtype, String shape, String offsets) {
        return "{\"t\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
    }

    private static String two(String firstOffsets, String secondOffsets) {
        return "{\"a\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":" + firstOffsets
                + "},\"b\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":" + secondOffsets + "}}";
    }

    private static String metadata(String metadata) {
        return "{\"__metadata__\":" + metadata
                + ",\"t\":{\"dtype\":\"I32\",\"shape\":[4],\"data_offsets\":[0,16]}}";
    }

    static Stream<Arguments> headers() {
        String f32 = "\"F32\"";
        return Stream.of(
                lie("end past the file", entry(f32, "[5]", "[0,20]"), "'t'"),
                lie("offsets past the file", entry(f32, "[4]", "[16,32]"), "'t'"),
                lie("end at 2^63-1", entry(f32, "[4]", "[0,9223372036854775807]"), "'t'"),
                lie("end at 2^64", entry(f32, "[4]", "[0,18446744073709551616]"), "data_offsets[1]"),
                lie("begin after end", entry(f32, "[4]", "[16,0]"), "'t'"),
                lie("negative begin", entry(f32, "[4]", "[-16,0]"), "data_offsets[0]"),
                lie("fractional end", entry(f32, "[4]", "[0,15.5]"), "data_offsets[1]"),
                lie("exponent that never ends", entry(f32, "[4]", "[0,1e999999999]"), "'t'"),
                lie("text for a number", entry(f32, "[\"4\"]", "[0,16]"), "shape[0]"),
                lie("list for a number", entry(f32, "[[4]]", "[0,16]"), "shape[0]"),
                lie("NaN extent", entry(f32, "[NaN]", "[0,16]"), "JSON"),
                lie("negative extents that multiply to the size", entry(f32, "[-2,-2]", "[0,16]"),
                        "shape[0]"),
                lie("product of 2^64", entry(f32, "[4294967296,4294967296]", "[0,0]"), "overflow"),
                lie("bytes of 2^64", entry(f32, "[4611686018427387904]", "[0,0]"), "overflow"),
                lie("size too small", entry(f32, "[3]", "[0,16]"), "12 bytes"),
                lie("size too large", entry("\"F16\"", "[9]", "[0,16]"), "18 bytes"),
                lie("size of another dtype", entry("\"I64\"", "[4]", "[0,16]"), "32 bytes"),
                lie("unknown dtype", entry("\"Q4_K\"", "[4]", "[0,16]"), "Q4_K"),
                lie("dtype in lower case", entry("\"f32\"", "[4]", "[0,16]"), "f32"),
                lie("dtype is a number", entry("32", "[4]", "[0,16]"), "dtype"),
                lie("dtype in a list", entry("[\"F32\"]", "[4]", "[0,16]"), "dtype"),
                lie("dtype is null", entry("null", "[4]", "[0,16]"), "dtype"),
                lie("shape is a number", entry(f32, "4", "[0,16]"), "shape"),
                lie("shape is null", entry(f32, "null", "[0,16]"), "shape"),
                lie("offsets are an object", entry(f32, "[4]", "{}"), "data_offsets"),
                lie("one offset", entry(f32, "[4]", "[16]"), "data_offsets"),
                lie("three offsets", entry(f32, "[4]", "[0,16,16]"), "data_offsets"),
                lie("no shape", "{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", "'t'"),
                lie("entry is a list", "{\"t\":[]}", "'t'"),
                lie("entry is null", "{\"t\":null}", "'t'"),
                lie("overlap", two("[0,8]", "[4,12]"), "'b'"),
                lie("the same bytes twice", two("[0,8]", "[0,8]"), "'b'"),
                lie("gap", "{\"a\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                        + "\"b\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[8,16]}}", "'b'"),
                lie("hole at the start", entry(f32, "[3]", "[4,16]"), "'t'"),
                lie("bytes that nobody owns", entry(f32, "[3]", "[0,12]"), "4 bytes"),
                lie("no tensors but data", "{}", "16 bytes"),
                lie("a name twice", "{\"t\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
                        + "\"t\":{\"dtype\":\"I32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "twice"),
                lie("a key twice", "{\"t\":{\"dtype\":\"F32\",\"dtype\":\"I32\",\"shape\":[4],"
                        + "\"data_offsets\":[0,16]}}", "twice"),
                lie("not JSON", "# tensors", "JSON"),
                lie("two documents", entry(f32, "[4]", "[0,16]") + "{}", "JSON"),
                lie("half a document", "{\"t\":{\"dtype\":\"F32\",\"shape\":[4],", "JSON"),
                lie("a comment", "/* t */" + entry(f32, "[4]", "[0,16]"), "JSON"),
                lie("a list", "[1,2,3]", "object"),
                lie("a string", "\"tensors\"", "object"),
                lie("only blanks", "        ", "JSON"),
                lie("deep nesting", "{\"t\":" + "[".repeat(200_000), "JSON"),
                lie("deep and closed", "{\"t\":" + "[".repeat(50_000) + "]".repeat(50_000) + "}", "JSON"),
                lie("metadata is a list", metadata("[]"), "__metadata__"),
                lie("metadata is null", metadata("null"), "__metadata__"),
                lie("metadata holds a number", metadata("{\"seed\":42}"), "seed"),
                lie("metadata holds null", metadata("{\"seed\":null}"), "seed"),
                lie("metadata holds an object", metadata("{\"seed\":{}}"), "seed"),
                lie("metadata holds a list of one", metadata("{\"seed\":[\"42\"]}"), "seed"),
                lie("a name of two lines", "{\"a\\nb\":3}", "'a b'"));
    }

    private static Arguments lie(String name, String header, String word) {
        return Arguments.of(name, header, word);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("headers")
    void lyingHeaders(String name, String header, String word) throws IOException {
        byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
        refused(bytes.length, bytes, word);
    }

    @ParameterizedTest
    @ValueSource(longs = {
            -1, 0, 1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 7, 1L << 32, 1000, 72
    })
    void lyingLengths(long length) throws IOException {
        byte[] header = entry("\"F32\"", "[4]", "[0,16]").getBytes(StandardCharsets.UTF_8);
        assertEquals(71, header.length + DATA); // so that 72 is one more than the file holds
        refused(length, header, "header length");
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 30, 54, 56, 71})
    void lengthsThatCutTheHeaderOrEatTheData(long length) throws IOException {
        refused(length, entry("\"F32\"", "[4]", "[0,16]").getBytes(StandardCharsets.UTF_8), "JSON");
    }

    @ParameterizedTest
    @ValueSource(ints = {0xFF, 0xC0, 0x80, 0xED})
    void textThatIsNotUtf8(int wrong) throws IOException {
        byte[] header = entry("\"F32\"", "[4]", "[0,16]").getBytes(StandardCharsets.UTF_8);
        header[2] = (byte) wrong; // the tensor's name
        refused(header.length, header, "UTF-8");
    }

    private void refused(long length, byte[] header, String word) throws IOException {
        Path file = directory.resolve("lie.safetensors");
        Files.write(file, ByteBuffer.allocate(8 + header.length + DATA).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length).put(header).array());
        MalformedFileException refusal =
                assertThrows(MalformedFileException.class, () -> SafetensorsFile.open(file).close());
        String message = refusal.getMessage();
        assertTrue(message.startsWith(file + ": "), message);
        String problem = message.substring(file.toString().length());
        assertTrue(problem.contains(word), message);
        assertTrue(message.lines().count() == 1 && message.chars().noneMatch(Character::isISOControl),
                message);
        assertTrue(problem.length() < 500, () -> "too long for a line: " + problem.length());
    }
}
