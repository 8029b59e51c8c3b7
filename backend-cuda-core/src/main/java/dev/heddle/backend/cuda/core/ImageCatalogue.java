package dev.heddle.backend.cuda.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.cuda.decode.DecodeCatalogue;
import dev.heddle.cuda.decode.DecodeCatalogue.Load;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The kernels whose images the jar holds: decoding in bf16 with the head dims and group sizes that models have, in the
 * batches that {@link Tuning}'s choices differ for.
 */
final class ImageCatalogue {
    private static final int[] HEAD_DIMS = {128, 64};
    private static final int MOST_GROUP = 8;
    private static final List<Load> LOADS =
            List.of(new Load(1, 1, 4096), new Load(64, 1, 1024), new Load(64, 1, 8192));

    private ImageCatalogue() {}

    /** Makes the images; see {@link DecodeCatalogue#main}. */
    public static void main(String[] args) throws IOException {
        catalogue().main(args);
    }

    static DecodeCatalogue<KernelShape> catalogue() {
        Set<KernelShape> shapes = new LinkedHashSet<>();
        for (int headDim : HEAD_DIMS) {
            for (int group = 1; group <= MOST_GROUP; group++) {
                AttentionSpec spec = DecodeCatalogue.spec(headDim, group).build();
                for (Load load : LOADS) {
                    shapes.add(shape(spec, load.batch()));
                }
            }
        }
        return new DecodeCatalogue<>(shapes);
    }

    private static KernelShape shape(AttentionSpec spec, BatchShape batch) {
        Tuning tuning =
                Tuning.of(spec, batch, DecodeCatalogue.DEVICE.multiprocessors(),
                        DecodeCatalogue.DEVICE.sharedMemoryPerMultiprocessor());
        return KernelShape.of(spec, batch.maxQoLen(), tuning.rows(), tuning.warps(), tuning.ctas());
    }
}
