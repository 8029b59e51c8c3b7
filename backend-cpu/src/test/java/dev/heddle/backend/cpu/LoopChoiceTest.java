package dev.heddle.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.backend.cpu.vector.VectorLoops;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LoopChoiceTest {
    @Test
    void vectorsWhereTheirModuleIsResolved() {
        assertTrue(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(), "tests run with it");
        assertInstanceOf(VectorLoops.class, LoopChoice.loops());
        assertTrue(new CpuBackendProvider().probe().toString().contains(LoopChoice.loops().name()));
        try (Opened opened = new Opened(3)) {
            WithoutVectors.requireNearOracle(WithoutVectors.request(), opened.run(WithoutVectors.request()));
        }
    }

    /** A JVM of its own, since what modules are resolved is settled when a JVM starts. */
    @Test
    void scalarLoopsAndOneWordAboutItWhereItIsNot() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"), WithoutVectors.class.getName())
                .redirectErrorStream(true).start();
        String output;
        try (InputStream stream = process.getInputStream()) {
            output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
        assertEquals(0, process.waitFor(), output);
        String flag = "--add-modules jdk.incubator.vector";
        assertEquals(2, output.split(flag, -1).length, "the flag is named exactly once in: " + output);
        assertTrue(output.contains("several times slower"), output);
    }
}
