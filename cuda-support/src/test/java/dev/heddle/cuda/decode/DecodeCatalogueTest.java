package dev.heddle.cuda.decode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.BatchShape;
import dev.heddle.cuda.KernelImages;
import dev.heddle.cuda.KernelLoader;
import dev.heddle.cuda.KernelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DecodeCatalogueTest {
    private static final DecodeCatalogue<Kernel> CATALOGUE = new DecodeCatalogue<>(
            new LinkedHashSet<>(List.of(new Kernel(1), new Kernel(2), new Kernel(3))));

    @TempDir
    Path folder;

    private record Kernel(int rows) implements DecodeKernel {
        @Override
        public int warps() {
            return 4;
        }

        @Override
        public int ctas() {
            return 1;
        }

        @Override
        public boolean general() {
            return true;
        }

        @Override
        public DecodeKernel forAnything() {
            return this;
        }

        @Override
        public int sharedBytes() {
            return 0;
        }

        @Override
        public int stateFloats() {
            return rows;
        }

        @Override
        public KernelSource source() {
            return new KernelSource("some.cu", "a source", DecodeCatalogueTest.class);
        }

        @Override
        public List<String> macros() {
            return List.of("ROWS=" + rows);
        }
    }

    @Test
    void imagesLieWhereTheLoaderLooksAndOnlyMissingOnesAreCompiled() throws IOException {
        Path classes = folder.resolve("classes");
        Path scratch = folder.resolve("scratch");
        Set<String> wanted = CATALOGUE.kernels().stream()
                .map(kernel -> KernelLoader.imageKey(kernel.source(), kernel.macros()) + ".fatbin")
                .collect(Collectors.toSet());
        assertEquals(3, wanted.size());
        String said = CATALOGUE.build(pretender(), classes, scratch);
        assertTrue(said.contains("; 3 compiled now"), said);
        Path beside = classes.resolve("dev/heddle/cuda/decode");
        assertEquals(wanted, names(beside));
        Files.delete(beside.resolve(wanted.iterator().next()));
        Files.writeString(beside.resolve("0123.fatbin"), "of a kernel that is gone");
        said = CATALOGUE.build(pretender(), classes, scratch);
        assertTrue(said.contains("; 1 compiled now"), said);
        assertEquals(wanted, names(beside));
    }

    /** A script in a compiler's place: writes some bytes to the file that it is asked for. */
    private Optional<KernelImages> pretender() throws IOException {
        Path program = Files.createDirectories(folder.resolve("bin")).resolve("nvcc");
        Files.writeString(program, """
                #!/bin/sh
                [ "$1" = --version ] && echo "release 99.0, pretended" && exit
                while [ "$1" != -o ]; do shift; done
                echo image >"$2"
                """);
        assertTrue(program.toFile().setExecutable(true));
        return KernelImages.find(name -> name.equals("CUDA_HOME") ? folder.toString() : "");
    }

    private static Set<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    @Test
    void withoutACompilerNothingIsWrittenAndTheBuildSaysSo() throws IOException {
        Optional<KernelImages> none = Optional.empty();
        assertEquals(DecodeCatalogue.NO_COMPILER,
                CATALOGUE.build(none, folder.resolve("classes"), folder.resolve("scratch")));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void aPartOfACatalogueHasTheFirstKernelAndEachSoManieth() {
        assertEquals(CATALOGUE, CATALOGUE.oneIn(1));
        assertEquals(Set.of(new Kernel(1), new Kernel(3)), CATALOGUE.oneIn(2).kernels());
        assertEquals(Set.of(new Kernel(1)), CATALOGUE.oneIn(8).kernels());
    }

    @Test
    void loadsAreBatchesOfRequestsThatAreAlike() {
        BatchShape batch = new DecodeCatalogue.Load(3, 2, 100).batch();
        assertEquals(3, batch.batchSize());
        for (int i = 0; i < 3; i++) {
            assertEquals(2, batch.qoLen(i));
            assertEquals(100, batch.kvLen(i));
        }
    }
}
