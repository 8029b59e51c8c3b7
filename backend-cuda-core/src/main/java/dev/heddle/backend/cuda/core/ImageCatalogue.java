package dev.heddle.backend.cuda.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.KernelImages;
import dev.heddle.cuda.KernelSource;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The kernels whose images the jar holds: decoding in bf16 with the head dims and group sizes that models have. Asked
 * of {@link Tuning} with the batches that its choices differ for, so the list follows it.
 */
final class ImageCatalogue {
    /** What a run without compiler says. */
    static final String NO_COMPILER =
            "no nvcc: the jar will hold no images; kernels are compiled on first use by NVRTC";

    private static final int[] HEAD_DIMS = {128, 64};
    private static final int MOST_GROUP = 8;
    private static final int KV_HEADS = 8;
    private static final int PAGE = 16; // no kernel is specialised for it

    // Of the GPU that the choices were measured on; others of its kind get the same ones.
    private static final int MULTIPROCESSORS = 132;
    private static final int SHARED_BYTES = 228 << 10;

    private ImageCatalogue() {}

    private record Load(int requests, int kvLen) {}

    private static final List<Load> LOADS =
            List.of(new Load(1, 4096), new Load(64, 1024), new Load(64, 8192));

    /**
     * Makes the images while Heddle is built.
     *
     * @param args root of the compiled classes, and a folder for files between builds
     */
    public static void main(String[] args) throws IOException {
        // Not System.out, which libraries leave alone: what the build shows of this program is its standard output.
        try (PrintWriter out = new PrintWriter(new FileOutputStream(FileDescriptor.out), true,
                StandardCharsets.UTF_8)) {
            out.println(build(KernelImages.find(System::getenv), Path.of(args[0]), Path.of(args[1])));
        }
    }

    /** Makes the images if there is a compiler, and returns what to tell. */
    static String build(Optional<KernelImages> compiler, Path classes, Path scratch) throws IOException {
        if (compiler.isEmpty()) {
            return NO_COMPILER;
        }
        KernelImages.Result made = compiler.get().build(source(),
                shapes().stream().map(KernelShape::macros).toList(), classes, scratch);
        return String.format(Locale.ROOT, "kernel images: %d, %d bytes; %d compiled now by %s", made.images(),
                made.bytes(), made.compiled(), compiler.get().compiler());
    }

    static KernelSource source() {
        return CudaCoreBackend.source(CudaCoreBackend.class);
    }

    /** Returns the shapes, each once. */
    static Set<KernelShape> shapes() {
        Set<KernelShape> shapes = new LinkedHashSet<>();
        for (int headDim : HEAD_DIMS) {
            for (int group = 1; group <= MOST_GROUP; group++) {
                for (Load load : LOADS) {
                    shapes.add(shape(spec(headDim, group), batch(load)));
                }
            }
        }
        return shapes;
    }

    private static KernelShape shape(AttentionSpec spec, BatchShape batch) {
        Tuning tuning = Tuning.of(spec, batch, MULTIPROCESSORS, SHARED_BYTES);
        return KernelShape.of(spec, batch.maxQoLen(), tuning.rows(), tuning.warps(), tuning.ctas());
    }

    private static AttentionSpec spec(int headDim, int group) {
        return AttentionSpec.builder().numQoHeads(KV_HEADS * group).numKvHeads(KV_HEADS).headDim(headDim)
                .dtype(DataType.BF16).pageSize(PAGE).causal().build();
    }

    private static BatchShape batch(Load load) {
        int pages = load.kvLen() / PAGE;
        int[] indptr = new int[load.requests() + 1];
        Arrays.setAll(indptr, i -> i * pages);
        int[] indices = new int[load.requests() * pages];
        Arrays.setAll(indices, i -> i);
        int[] lastPageLen = new int[load.requests()];
        Arrays.fill(lastPageLen, PAGE);
        return BatchShape.decode(PageTable.of(PAGE, indices.length, indptr, indices, lastPageLen));
    }
}
