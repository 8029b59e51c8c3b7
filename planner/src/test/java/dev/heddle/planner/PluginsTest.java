package dev.heddle.planner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.capability.Rejection;
import dev.heddle.core.capability.RejectionCode;
import dev.heddle.core.spi.AttentionBackendProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginsTest {
    @TempDir
    Path work;

    private Path folder;

    @BeforeEach
    void folder() throws IOException {
        folder = Files.createDirectory(work.resolve("plugins"));
    }

    private PluginJar jar() {
        return new PluginJar(work);
    }

    private Heddle open() {
        return Heddle.builder().providers(List.of(new FakeBackend("built-in"))).plugins(folder).open();
    }

    private static Map<String, BackendReport> byId(Heddle heddle) {
        return heddle.backends().stream().collect(Collectors.toMap(BackendReport::id, report -> report));
    }

    /** Returns the one reason of a plug-in that cannot be used, beside which all others are available. */
    private Rejection onlyBroken(String id) {
        try (Heddle heddle = open()) {
            Map<String, BackendReport> reports = byId(heddle);
            BackendReport broken = reports.remove(id);
            assertNotNull(broken, () -> id + " is not among " + reports.keySet());
            assertEquals(BackendReport.Status.BROKEN, broken.status());
            assertTrue(broken.origin().startsWith(folder.toString()), broken.origin());
            assertTrue(reports.containsKey("built-in"));
            reports.values()
                    .forEach(r -> assertEquals(BackendReport.Status.AVAILABLE, r.status(), r.toString()));
            assertEquals(1, broken.rejections().size());
            return broken.rejections().getFirst();
        }
    }

    private static String library(int version) {
        return "package com.example.library; public class Library { public static String version() { return \""
                + version + "\"; } }";
    }

    @Test
    void twoPluginsBringTwoVersionsOfOneLibrary() throws IOException {
        jar().provider("One", "one", "com.example.library.Library.version()")
                .type("com.example.library.Library", library(1)).write(folder.resolve("one.jar"));
        // The other way: a folder that holds a backend and the library that it needs.
        Path library = jar().type("com.example.library.Library", library(2))
                .write(folder.resolve("two/library.jar"));
        jar().against(library).provider("Two", "two", "com.example.library.Library.version()")
                .write(folder.resolve("two/backend.jar"));
        try (Heddle heddle = open()) {
            Map<String, BackendReport> reports = byId(heddle);
            assertEquals(3, reports.size(), reports::toString);
            assertEquals("1", reports.get("one").version());
            assertEquals("2", reports.get("two").version());
            assertTrue(reports.get("two").origin().endsWith("backend.jar"), reports.get("two").origin());
        }
    }

    @Test
    void whatTheApplicationUsesIsOutOfSight() throws IOException {
        jar().provider("Reader", "reader", "new com.google.gson.Gson()").write(folder.resolve("reader.jar"));
        Rejection rejection = onlyBroken("com.example.Reader");
        assertEquals(RejectionCode.PROVIDER_FAILED, rejection.code());
        assertTrue(rejection.message().contains("com/google/gson/Gson"), rejection.message());
    }

    @Test
    void anUnreadableJarHidesNoOther() throws IOException {
        Files.writeString(folder.resolve("aaa.jar"), "no zip at all");
        jar().provider("Good", "good", "1").write(folder.resolve("good.jar"));
        Rejection rejection = onlyBroken("aaa.jar");
        assertEquals(RejectionCode.PROVIDER_FAILED, rejection.code());
        assertInstanceOf(IOException.class, rejection.cause());
        assertTrue(rejection.message().startsWith("aaa.jar: aaa.jar is no jar that can be read"),
                rejection.message());
    }

    @Test
    void aTruncatedJarIsListedToo() throws IOException {
        Path whole = jar().provider("Good", "good", "1").write(work.resolve("whole.jar"));
        byte[] bytes = Files.readAllBytes(whole);
        Files.write(folder.resolve("half.jar"), java.util.Arrays.copyOf(bytes, bytes.length / 2));
        assertInstanceOf(IOException.class, onlyBroken("half.jar").cause());
    }

    @Test
    void aProviderThatIsNotInItsJarIsNamed() throws IOException {
        jar().provider("Gone", "gone", "1").without("com.example.Gone").write(folder.resolve("gone.jar"));
        Rejection rejection = onlyBroken("gone.jar");
        assertTrue(rejection.message().contains("com.example.Gone"), rejection.message());
    }

    @Test
    void aJarWithoutABackendSaysWhereItBelongs() throws IOException {
        jar().type("com.example.library.Library", library(1)).write(folder.resolve("library.jar"));
        Rejection rejection = onlyBroken("library.jar");
        assertTrue(rejection.message().contains("names no backend"), rejection.message());
        assertTrue(rejection.remedy().contains("sub-folder"), rejection.remedy());
    }

    @Test
    void aNewerSpiInTheManifestIsRejectedBeforeAnyClassIsLoaded() throws IOException {
        jar().provider("Tomorrow", "tomorrow", "1").without("com.example.Tomorrow")
                .attribute(Plugin.SPI_VERSION, "2").write(folder.resolve("tomorrow.jar"));
        Rejection rejection = onlyBroken("tomorrow.jar");
        assertEquals(RejectionCode.SPI_VERSION, rejection.code());
        assertEquals(
                "tomorrow.jar was built for SPI version 2, this Heddle serves versions 1..1; update Heddle",
                rejection.message());
    }

    @Test
    void anSpiVersionThatIsNoNumberIsRejected() throws IOException {
        jar().provider("Odd", "odd", "1").attribute(Plugin.SPI_VERSION, "one")
                .write(folder.resolve("odd.jar"));
        assertTrue(onlyBroken("odd.jar").message().contains("got 'one'"));
    }

    @Test
    void aTypeOrMethodOfANewerCoreIsNamed() throws IOException {
        jar().type("dev.heddle.core.spi.Teleport",
                "package dev.heddle.core.spi; public interface Teleport { int VALUE = Integer.parseInt(\"1\"); }")
                .provider("Type", "type", "dev.heddle.core.spi.Teleport.VALUE")
                .without("dev.heddle.core.spi.Teleport").write(folder.resolve("type.jar"));
        Rejection rejection = onlyBroken("com.example.Type");
        assertEquals(RejectionCode.SPI_VERSION, rejection.code());
        assertEquals("com.example.Type: it was built for a newer Heddle: this one has no "
                + "dev.heddle.core.spi.Teleport; update Heddle", rejection.message());
        Files.delete(folder.resolve("type.jar"));

        jar().type("dev.heddle.core.tensor.DataType",
                "package dev.heddle.core.tensor; public class DataType { public static final DataType F32 = null;"
                        + " public static int teleports() { return 1; } }")
                .type("com.example.Asks",
                        "package com.example; public class Asks { public static int ask() {"
                                + " return dev.heddle.core.tensor.DataType.teleports(); } }")
                .without("dev.heddle.core.tensor.DataType").write(work.resolve("asks.jar"));
        jar().against(work.resolve("asks.jar")).provider("Method", "method", "Asks.ask()")
                .write(folder.resolve("method/method.jar"));
        Files.copy(work.resolve("asks.jar"), folder.resolve("method/asks.jar"));
        rejection = onlyBroken("com.example.Method");
        assertEquals(RejectionCode.SPI_VERSION, rejection.code());
        assertTrue(rejection.message().contains("dev.heddle.core.tensor.DataType.teleports()"),
                rejection.message());
    }

    @Test
    void aProviderKnowsThePluginThatItCameFrom() throws IOException {
        Path place = jar().provider("Good", "good", "1").write(folder.resolve("good.jar"));
        AttentionBackendProvider good;
        try (Plugins plugins = Plugins.of(place)) {
            good = plugins.providers().getFirst();
            assertEquals(Optional.of(place), Plugins.placeOf(good));
            assertEquals(List.of(), plugins.rejections());
            assertEquals(Optional.empty(), Plugins.placeOf(new FakeBackend("built-in")));
            assertNotNull(good.getClass().getResource("Good.class"));
        }
        assertNull(good.getClass().getResource("Good.class"), "the loader is closed");
    }

    @Test
    void aFolderThatIsNoneIsRefused() {
        String none = assertThrows(IllegalArgumentException.class,
                () -> Heddle.builder().plugins(folder.resolve("none")).open()).getMessage();
        assertTrue(none.contains("none does not exist"), none);
        assertThrows(IllegalArgumentException.class, () -> Plugins.of(folder.resolve("none.jar")));
    }

    @Test
    void foldersWithoutJarsAndOtherFilesArePassedOver() throws IOException {
        Files.createDirectory(folder.resolve("classes"));
        Files.writeString(folder.resolve("README.txt"), "not a jar");
        try (Heddle heddle = open()) {
            assertEquals(List.of("built-in"), heddle.backends().stream().map(BackendReport::id).toList());
        }
    }
}
