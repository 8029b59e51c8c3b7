package dev.heddle.backend.cuda.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.KernelLoader;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ImageCatalogueTest {
    @Test
    void shapesAreForDecodingWithoutSwitchesAndCoverEveryGroupSize() {
        Set<KernelShape> shapes = ImageCatalogue.catalogue().kernels();
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
        Set<KernelShape> shapes = ImageCatalogue.catalogue().kernels();
        assertEquals(shapes.size(), shapes.stream()
                .map(shape -> KernelLoader.imageKey(shape.source(), shape.macros())).distinct().count());
    }
}
