package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.AttentionSpecBuilder;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.page.PageTable;
import dev.heddle.core.tensor.DataType;
import dev.heddle.cuda.CudaDevice;
import dev.heddle.cuda.KernelImages;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The kernels of a backend whose images its jar holds. A backend lists the requests that are to find theirs, and asks
 * what chooses kernels at run time which those are, so the list follows its choices.
 *
 * @param <K> the backend's kernels
 * @param kernels the kernels, each once
 * @since 0.1
 */
@Evolving
public record DecodeCatalogue<K extends DecodeKernel>(Set<K> kernels) {
    /** What a run without compiler says. */
    public static final String NO_COMPILER =
            "no nvcc: the jar will hold no images; kernels are compiled on first use by NVRTC";

    /** The GPU that choices were measured on; others of its kind get the same ones. */
    public static final CudaDevice DEVICE =
            new CudaDevice(0, "NVIDIA H200", 90, 132, 50 << 20, 227 << 10, 228 << 10,
                    141L << 30, 13000);

    private static final int KV_HEADS = 8;
    private static final int PAGE = 16; // no kernel is specialised for it

    /** Copies the kernels. */
    public DecodeCatalogue {
        kernels = new LinkedHashSet<>(kernels);
    }

    /**
     * A batch of requests that are alike.
     *
     * @param requests how many
     * @param qoLen query rows of each
     * @param kvLen KV tokens of each
     * @since 0.1
     */
    @Evolving
    public record Load(int requests, int qoLen, int kvLen) {
        /** Returns the batch. */
        public BatchShape batch() {
            int pages = Math.ceilDiv(kvLen, PAGE);
            int[] qoIndptr = new int[requests + 1];
            Arrays.setAll(qoIndptr, i -> i * qoLen);
            int[] kvIndptr = new int[requests + 1];
            Arrays.setAll(kvIndptr, i -> i * pages);
            int[] ids = new int[requests * pages];
            Arrays.setAll(ids, i -> i);
            int[] lastPageLen = new int[requests];
            Arrays.fill(lastPageLen, kvLen - (pages - 1) * PAGE);
            return BatchShape.of(qoIndptr, PageTable.of(PAGE, ids.length, kvIndptr, ids, lastPageLen));
        }
    }

    /** Starts a spec as models have it: bf16, causal, eight KV heads. */
    public static AttentionSpecBuilder spec(int headDim, int groupSize) {
        return AttentionSpec.builder().numQoHeads(KV_HEADS * groupSize).numKvHeads(KV_HEADS).headDim(headDim)
                .dtype(DataType.BF16).pageSize(PAGE).causal();
    }

    /**
     * Makes the images while Heddle is built, and says on standard output what it did.
     *
     * @param args root of the compiled classes; a folder for files between builds; and a number of which each so manieth
     *     kernel is made, 1 for all: a build that only wants to see that they compile need not wait for every one
     * @throws IOException if files cannot be written
     */
    public void main(String... args) throws IOException {
        // Not System.out, which libraries leave alone: what the build shows of this program is its standard output.
        try (PrintWriter out = new PrintWriter(new FileOutputStream(FileDescriptor.out), true,
                StandardCharsets.UTF_8)) {
            out.println(oneIn(Integer.parseInt(args[2])).build(KernelImages.find(System::getenv),
                    Path.of(args[0]), Path.of(args[1])));
        }
    }

    /** Returns a catalogue of the first kernel and each so manieth after it. */
    DecodeCatalogue<K> oneIn(int number) {
        Set<K> some = new LinkedHashSet<>();
        int at = 0;
        for (K kernel : kernels) {
            if (at++ % number == 0) {
                some.add(kernel);
            }
        }
        return new DecodeCatalogue<>(some);
    }

    /**
     * Makes the images if there is a compiler, and returns what to tell.
     *
     * @param classes root of the compiled classes
     * @param scratch a folder for files between builds
     * @throws IOException if files cannot be written
     */
    public String build(Optional<KernelImages> compiler, Path classes, Path scratch) throws IOException {
        if (compiler.isEmpty()) {
            return NO_COMPILER;
        }
        KernelImages.Result made = compiler.get().build(kernels.stream()
                .map(kernel -> new KernelImages.Wanted(kernel.source(), kernel.macros(),
                        kernel.leastComputeCapability()))
                .toList(), classes, scratch);
        return String.format(Locale.ROOT, "kernel images: %d, %d bytes; %d compiled now by %s", made.images(),
                made.bytes(), made.compiled(), compiler.get().compiler());
    }
}
