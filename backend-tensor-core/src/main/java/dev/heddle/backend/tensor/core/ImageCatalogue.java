package dev.heddle.backend.tensor.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.cuda.decode.DecodeCatalogue;
import dev.heddle.cuda.decode.DecodeCatalogue.Load;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The kernels whose images the jar holds: bf16 with the head dims that models have, full tiles and half ones, in the
 * batches that {@link TensorKernel}'s choices differ for; and of each the one that takes everything, for masks, short
 * appends and caches in segments.
 */
final class ImageCatalogue {
    private static final int[] HEAD_DIMS = {128, 64};
    private static final int[] GROUPS = {8, 16}; // smaller ones run on these: the group is a run-time value
    private static final List<Load> LOADS = List.of(new Load(1, 1, 8192), new Load(8, 1, 4096),
            new Load(64, 1, 1024), new Load(64, 1, 8192), new Load(256, 1, 4096));

    private ImageCatalogue() {}

    /** Makes the images; see {@link DecodeCatalogue#main}. */
    public static void main(String[] args) throws IOException {
        catalogue().main(args);
    }

    static DecodeCatalogue<TensorKernel> catalogue() {
        Set<TensorKernel> kernels = new LinkedHashSet<>();
        for (int headDim : HEAD_DIMS) {
            for (int group : GROUPS) {
                AttentionSpec spec = DecodeCatalogue.spec(headDim, group).build();
                for (Load load : LOADS) {
                    TensorKernel kernel = TensorKernel.of(spec, load.batch(),
                            DecodeCatalogue.MULTIPROCESSORS, DecodeCatalogue.SHARED_BYTES);
                    kernels.add(kernel);
                    kernels.add(kernel.forAnything());
                }
            }
        }
        return new DecodeCatalogue<>(TensorCoreBackend.source(TensorCoreBackend.class), kernels);
    }
}
