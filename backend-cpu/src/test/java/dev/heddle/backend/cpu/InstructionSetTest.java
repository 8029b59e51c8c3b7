package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.backend.cpu.ffm.InstructionSet;
import dev.heddle.backend.cpu.ffm.NativeKernels;
import dev.heddle.core.spi.Availability;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Kernels of each instruction set, in a JVM of its own: which one runs is settled when it starts. */
class InstructionSetTest {
    private static String child(int exit, String main, String... flags)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules", "jdk.incubator.vector"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output;
        try (InputStream stream = process.getInputStream()) {
            output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
        assertEquals(exit, process.waitFor(), output);
        return output;
    }

    @ParameterizedTest
    @EnumSource(value = InstructionSet.class, names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void resultsAreRight(InstructionSet set) throws IOException, InterruptedException {
        NativeBackend.provider(); // or there is none
        String said = child(0, NativeAgainstOracle.class.getName(), "--enable-native-access=ALL-UNNAMED",
                "-D" + NativeKernels.LIMIT + "=" + set.id());
        InstructionSet best = NativeKernels.get().instructionSet();
        InstructionSet ran = set.compareTo(best) < 0 ? set : best;
        assertTrue(said.contains("ran " + ran.id()), said);
    }

    @Test
    void anUnknownSetIsRefused() throws IOException, InterruptedException {
        NativeBackend.provider();
        String said = child(1, NativeAgainstOracle.class.getName(), "--enable-native-access=ALL-UNNAMED",
                "-D" + NativeKernels.LIMIT + "=mmx");
        assertTrue(said.contains("'mmx'; allowed are avx2, avx512, avx512_bf16 and amx"), said);
    }

    @Test
    void aJvmThatMayNotCallNativeCodeSaysHowItMay() throws IOException, InterruptedException {
        String said = child(1, NativeAgainstOracle.class.getName(), "--illegal-native-access=deny",
                "--enable-native-access=java.base");
        assertTrue(said.contains("start the JVM with --enable-native-access=ALL-UNNAMED"), said);
    }

    @Test
    void probingNeverThrows() {
        Availability answer = new CpuNativeBackendProvider().probe();
        if (answer instanceof Availability.Available available) {
            assertTrue(available.devices().getFirst().toString().contains("C for "), answer.toString());
        } else {
            assertInstanceOf(Availability.Unavailable.class, answer);
        }
    }
}
