package dev.heddle.backend.tensor.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.KernelLoader;
import dev.heddle.cuda.decode.DecodeCatalogue;
import dev.heddle.cuda.decode.DecodeCatalogue.Load;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ImageCatalogueTest {
    private static final int MOST_IMAGES = 48; // each costs the build about five seconds
    private static final Set<TensorKernel> KERNELS = ImageCatalogue.catalogue().kernels();

    @Test
    void aFirstUseOnTheUsualShapesCompilesNothing() {
        for (int headDim : new int[]{64, 128}) {
            for (int group = 1; group <= 16; group++) {
                AttentionSpec plain = DecodeCatalogue.spec(headDim, group).build();
                AttentionSpec window =
                        DecodeCatalogue.spec(headDim, group).windowLeft(127).sinks(true).build();
                for (int requests : new int[]{1, 4, 16, 64, 128, 256}) {
                    for (int kvLen : new int[]{100, 512, 4096, 8192, 32_768}) {
                        for (AttentionSpec spec : headDim == 128 ? List.of(plain, window) : List.of(plain)) {
                            TensorKernel kernel = TensorTuning.of(spec, new Load(requests, 1, kvLen).batch(),
                                    request -> true, DecodeCatalogue.DEVICE, true);
                            assertTrue(KERNELS.contains(kernel), () -> "no image for " + kernel);
                        }
                    }
                }
            }
        }
    }

    @Test
    void fewKernelsDoSoBuildsStayShort() {
        assertTrue(KERNELS.size() <= MOST_IMAGES, KERNELS::toString);
        assertTrue(KERNELS.stream().allMatch(kernel -> kernel.kv() == DataType.BF16));
        assertEquals(Set.of(true, false),
                KERNELS.stream().map(TensorKernel::general).collect(Collectors.toSet()));
    }

    @Test
    void everyKernelHasAKeyOfItsOwn() {
        assertEquals(KERNELS.size(), KERNELS.stream()
                .map(kernel -> KernelLoader.imageKey(kernel.source(), kernel.macros())).distinct().count());
    }
}
