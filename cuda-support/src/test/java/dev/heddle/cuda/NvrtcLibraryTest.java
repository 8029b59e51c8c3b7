package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NvrtcLibraryTest {
    @TempDir
    Path root;

    private final Map<String, String> variables = new HashMap<>();

    private Path folder(String name, String... files) throws IOException {
        Path folder = Files.createDirectories(root.resolve(name));
        for (String file : files) {
            Files.createFile(folder.resolve(file));
        }
        return folder;
    }

    private NvrtcLibrary.Search search() {
        return NvrtcLibrary.search(name -> null, variables::get);
    }

    private NvrtcLibrary chosen(Path place) {
        variables.put(NvrtcLibrary.VARIABLE, place.toString());
        NvrtcLibrary.Search search = search();
        return search.found().orElseThrow(() -> new AssertionError("found nothing in " + search.looked()));
    }

    @Test
    void newestVersionOfAFolderIsTaken() throws IOException {
        Path folder = folder("lib", "libnvrtc.so.12", "libnvrtc.so.12.9.86", "libnvrtc.so.12.10.3",
                "libnvrtc.so.11.2", "libnvrtc.alt.so.13", "libnvrtc.so.13x", "libnvrtc-builtins.so.13.0");
        assertEquals(folder.resolve("libnvrtc.so.12.10.3"), chosen(folder).nvrtc());
        Files.createFile(folder.resolve("libnvrtc.so.13"));
        assertEquals(folder.resolve("libnvrtc.so.13"), chosen(folder).nvrtc());
    }

    @Test
    void versionsOlderThanTwelveAndOtherFilesAreNotTaken() throws IOException {
        variables.put(NvrtcLibrary.VARIABLE,
                folder("lib", "libnvrtc.so", "libnvrtc.so.11.2", "libnvrtc.so.9", "libnvrtc.alt.so.12",
                        "libcuda.so.13")
                        .toString());
        assertTrue(search().found().isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"libnvrtc.so.12, libnvrtc-builtins.so.12.10", "libnvrtc.so.13, libnvrtc-builtins.so.13.0",
            "libnvrtc.so.12.6.85, libnvrtc-builtins.so.12.6",
            "libnvrtc.so.12.9.1, libnvrtc-builtins.so.12.9.1",
            "libnvrtc.so, libnvrtc-builtins.so.13.0"})
    void builtinsAreOfTheSameVersion(String library, String builtins) throws IOException {
        Path folder = folder("lib", library, "libnvrtc-builtins.so.12.6", "libnvrtc-builtins.so.12.9",
                "libnvrtc-builtins.so.12.9.1", "libnvrtc-builtins.so.12.10", "libnvrtc-builtins.so.13.0",
                "libnvrtc-builtins.so");
        assertEquals(folder.resolve(builtins), chosen(folder.resolve(library)).builtins());
    }

    @Test
    void linkHasTheBuiltinsOfWhatItLeadsTo() throws IOException {
        Path folder = folder("lib", "libnvrtc.so.12.6.85", "libnvrtc-builtins.so.12.6.85",
                "libnvrtc-builtins.so.12.9.86");
        Path link =
                Files.createSymbolicLink(folder.resolve("libnvrtc.so.12"), Path.of("libnvrtc.so.12.6.85"));
        NvrtcLibrary found = chosen(link);
        assertEquals(link, found.nvrtc());
        assertEquals(folder.resolve("libnvrtc-builtins.so.12.6.85"), found.builtins());
    }

    @Test
    void libraryWithoutBuiltinsIsTakenAllTheSame() throws IOException {
        NvrtcLibrary found = chosen(folder("lib", "libnvrtc.so.12"));
        assertEquals("libnvrtc.so.12", found.nvrtc().getFileName().toString());
        assertNull(found.builtins());
    }

    @Test
    void anyFileThatIsNamedIsTaken() throws IOException {
        Path file = folder("lib", "compiler").resolve("compiler");
        assertEquals(file, chosen(file).nvrtc());
    }

    @Test
    void propertyComesBeforeVariableAndBothBeforeTheUsualPlaces() throws IOException {
        Path property = folder("property", "libnvrtc.so.12");
        Path variable = folder("variable", "libnvrtc.so.13");
        variables.put(NvrtcLibrary.VARIABLE, variable.toString());
        variables.put("LD_LIBRARY_PATH", folder("usual", "libnvrtc.so.13").toString());
        Map<String, String> properties = new HashMap<>(Map.of(NvrtcLibrary.PROPERTY, property.toString()));
        NvrtcLibrary.Search both = NvrtcLibrary.search(properties::get, variables::get);
        assertEquals(property.resolve("libnvrtc.so.12"), both.found().orElseThrow().nvrtc());
        assertEquals(List.of(property, variable), both.looked());
        properties.clear();
        NvrtcLibrary.Search one = NvrtcLibrary.search(properties::get, variables::get);
        assertEquals(variable.resolve("libnvrtc.so.13"), one.found().orElseThrow().nvrtc());
    }

    @Test
    void chosenPlaceWithoutTheLibraryIsNotReplacedByAnother() throws IOException {
        variables.put("LD_LIBRARY_PATH", folder("usual", "libnvrtc.so.13").toString());
        for (Path wrong : List.of(folder("empty"), root.resolve("missing"),
                root.resolve("missing/libnvrtc.so.12"))) {
            variables.put(NvrtcLibrary.VARIABLE, wrong.toString());
            NvrtcLibrary.Search search = search();
            assertTrue(search.found().isEmpty());
            assertEquals(List.of(wrong), search.looked(), "the message says where it looked");
        }
    }

    @Test
    void emptySettingsAreNone() throws IOException {
        variables.put(NvrtcLibrary.VARIABLE, "");
        Path usual = folder("usual", "libnvrtc.so.12");
        variables.put("LD_LIBRARY_PATH", ":" + usual + "::");
        assertEquals(usual.resolve("libnvrtc.so.12"),
                NvrtcLibrary.search(name -> "", variables::get).found().orElseThrow().nvrtc());
    }

    @Test
    void usualPlacesComeInTheirOrder() throws IOException {
        Path path = folder("path", "libnvrtc.so.12");
        Path home = folder("home/lib64", "libnvrtc.so.12");
        Path toolkit = folder("toolkit/targets/x86_64-linux/lib", "libnvrtc.so.12");
        variables.put("LD_LIBRARY_PATH", root.resolve("none") + ":" + path);
        variables.put("CUDA_HOME", root.resolve("home").toString());
        variables.put("CUDA_PATH", root.resolve("toolkit").toString());
        for (Path expected : List.of(path, home, toolkit)) {
            NvrtcLibrary.Search search = search();
            assertEquals(expected.resolve("libnvrtc.so.12"), search.found().orElseThrow().nvrtc());
            assertTrue(search.looked().contains(expected));
            Files.delete(expected.resolve("libnvrtc.so.12"));
        }
        assertFalse(search().found().filter(found -> found.nvrtc().startsWith(root)).isPresent());
    }

    @Test
    void packagesOfPythonAreLookedAtTheEnvironmentsFirst() throws IOException {
        Path environment = folder("venv/lib/python3.12/site-packages/nvidia/cu13/lib");
        Path older = folder("venv/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib");
        Path conda = folder("conda/lib/python3.11/site-packages/nvidia/cuda_nvrtc/lib");
        Path user = folder("user/.local/lib/python3.13/site-packages/nvidia/cu13/lib");
        variables.put("VIRTUAL_ENV", root.resolve("venv").toString());
        variables.put("CONDA_PREFIX", root.resolve("conda").toString());
        variables.put("HOME", root.resolve("user").toString());
        List<Path> ours =
                search().looked().stream().filter(path -> path.startsWith(root) && Files.exists(path))
                        .toList();
        assertEquals(List.of(environment, older, conda, user), ours);
    }
}
