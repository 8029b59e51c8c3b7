package dev.heddle.cli.peer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerVmTest {
    @TempDir
    Path folder;

    @Test
    void aPeerRunsInAVmOfItsOwn() throws IOException, PeerException {
        PeerRow row = Rows.small(folder, "f32");
        try (PeerVm vm = new PeerVm(PeerFolder.PLAIN_LOOP)) {
            assertInstanceOf(PeerVm.Answer.Refused.class, vm.prepare(Rows.small(folder, "int8")));
            assertInstanceOf(PeerVm.Answer.Ready.class, vm.prepare(row));
            assertArrayEquals(Rows.expected(row), Rows.floats(row.output()), 1e-5f);
            assertTrue(vm.time().length > 0);
            vm.release();
            assertTrue(vm.alive());
            assertTrue(assertThrows(PeerException.class, vm::time).getMessage().contains("no row"));
        }
    }

    @Test
    void aVmThatEndsFailsWithItsLastWords() throws IOException, URISyntaxException {
        String tests = Path.of(PeerVmTest.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                .toString();
        PeerRow row = Rows.small(folder, "f32");
        try (PeerVm vm = new PeerVm(new PeerProgram("ending", EndingPeer.class.getName(), List.of(tests)))) {
            String message = assertThrows(PeerException.class, () -> vm.prepare(row)).getMessage();
            assertTrue(message.contains("a library ends this process"), message);
            assertFalse(vm.alive());
        }
        try (PeerVm vm = new PeerVm(new PeerProgram("absent", "no.such.Peer", List.of()))) {
            String message = assertThrows(PeerException.class, () -> vm.prepare(row)).getMessage();
            assertTrue(message.contains("no.such.Peer"), message);
        }
    }

    @Test
    void aFolderHasAPeerForEachKnownSubfolder() throws IOException {
        assertEquals(List.of(), new PeerFolder(folder.resolve("absent")).programs());
        for (String name : List.of("onnxruntime-1.29.0", "onnxruntime-1.23.2", "jlama-0.8.4",
                "unknown-1.0")) {
            Files.createDirectory(folder.resolve(name));
        }
        assertEquals(List.of(), new PeerFolder(folder).programs(), "without the classes that call them");
        Files.createFile(folder.resolve("heddle-peers.jar"));
        List<PeerProgram> programs = new PeerFolder(folder).programs();
        assertEquals(List.of("jlama-0.8.4", "onnxruntime-1.23.2", "onnxruntime-1.29.0"),
                programs.stream().map(PeerProgram::id).toList());
        for (PeerProgram program : programs) {
            assertTrue(program.classPath().getLast().contains(program.id()), program::toString);
        }
    }
}
