package dev.heddle.backend.cuda.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.KernelImages;
import dev.heddle.cuda.KernelLoader;
import dev.heddle.cuda.KernelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageCatalogueTest {
    @TempDir
    Path folder;

    @Test
    void shapesAreForDecodingWithoutSwitchesAndCoverEveryGroupSize() {
        Set<KernelShape> shapes = ImageCatalogue.shapes();
        assertTrue(shapes.stream().noneMatch(KernelShape::general),
                "a causal mask hides nothing from one row");
        assertTrue(shapes.stream().allMatch(shape -> shape.kv() == DataType.BF16));
        for (int headDim : List.of(64, 128)) {
            assertEquals(Set.of(1, 2, 3, 4, 5, 6, 7, 8), shapes.stream()
                    .filter(shape -> shape.headDimQk() == headDim && shape.headDimVo() == headDim)
                    .map(KernelShape::rows).collect(Collectors.toSet()),
                    "rows of tiles with head dim " + headDim);
        }
    }

    @Test
    void everyShapeHasAKeyOfItsOwn() {
        KernelSource source = ImageCatalogue.source();
        Set<KernelShape> shapes = ImageCatalogue.shapes();
        assertEquals(shapes.size(), shapes.stream()
                .map(shape -> KernelLoader.imageKey(source, shape.macros())).distinct().count());
    }

    @Test
    void imagesLieWhereTheLoaderLooksAndOnlyMissingOnesAreCompiled() throws IOException {
        Path classes = folder.resolve("classes");
        Path scratch = folder.resolve("scratch");
        Set<String> wanted = ImageCatalogue.shapes().stream()
                .map(shape -> KernelLoader.imageKey(ImageCatalogue.source(), shape.macros()) + ".fatbin")
                .collect(Collectors.toSet());
        String said = ImageCatalogue.build(pretender(), classes, scratch);
        assertTrue(said.contains(wanted.size() + " compiled now"), said);
        Path beside = classes.resolve("dev/heddle/backend/cuda/core");
        assertEquals(wanted, names(beside));
        Files.delete(beside.resolve(wanted.iterator().next()));
        Files.writeString(beside.resolve("0123.fatbin"), "of a kernel that is gone");
        said = ImageCatalogue.build(pretender(), classes, scratch);
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
        assertEquals(ImageCatalogue.NO_COMPILER,
                ImageCatalogue.build(none, folder.resolve("classes"), folder.resolve("scratch")));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }
}
