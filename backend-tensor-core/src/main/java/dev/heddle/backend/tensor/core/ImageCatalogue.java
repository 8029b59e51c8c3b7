package dev.heddle.backend.tensor.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.cuda.decode.DecodeCatalogue;
import dev.heddle.cuda.decode.DecodeCatalogue.Load;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The kernels whose images the jar holds: bf16 with the head dims that models have, in the batches that
 * {@link TensorTuning}'s choices differ for; with the commonest head dim also what takes anything: windows, a soft cap, caches in
 * segments.
 */
final class ImageCatalogue {
    private static final int[] HEAD_DIMS = {128, 64};
    private static final int[] GROUPS = {8, 16}; // smaller ones run on these: the group is a run-time value
    private static final int GROUP = 8;
    private static final List<Load> DECODES =
            List.of(new Load(1, 1, 512), new Load(1, 1, 4096), new Load(1, 1, 32768),
                    new Load(2, 1, 4096), new Load(4, 1, 4096), new Load(8, 1, 4096), new Load(16, 1, 4096),
                    new Load(32, 1, 8192), new Load(64, 1, 1024));
    private static final List<Load> APPENDS = List.of(new Load(1, 2048, 2048), new Load(1, 8, 4096),
            new Load(1, 4, 4096), new Load(64, 4, 1024));

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
                for (Load load : DECODES) {
                    TensorKernel kernel = kernel(spec, load);
                    kernels.add(kernel);
                    if (headDim == HEAD_DIMS[0]) {
                        kernels.add(kernel.forAnything());
                    }
                }
            }
            AttentionSpec spec = DecodeCatalogue.spec(headDim, GROUP).build();
            APPENDS.forEach(load -> kernels.add(kernel(spec, load)));
        }
        return new DecodeCatalogue<>(kernels);
    }

    private static TensorKernel kernel(AttentionSpec spec, Load load) {
        return TensorTuning.of(spec, load.batch(), request -> true, DecodeCatalogue.DEVICE, true);
    }
}
