package dev.heddle.backend.tensor.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.cuda.CudaDevice;
import dev.heddle.cuda.decode.DecodeKernel;
import java.util.function.IntPredicate;

/**
 * Which kernel the requests of a batch take. What decides is how many columns there are, tiles of rows that read the same
 * KV, for the multiprocessors at hand: few columns are cut into many parts, whose merge costs as much as the reading and is
 * made by clusters; many columns fill the device by themselves. The numbers are measured ones (docs/performance-cuda.md).
 */
final class TensorTuning {
    private static final int WIDE_DIM = 128; // longer heads take the registers of two threads
    private static final int SHORT_TOKENS = 2048;
    private static final long SMALL_BYTES = 48L << 20; // of KV
    private static final int TOKENS_OF_A_CTA = 128; // a tile for each of eight warps: less is not worth a cluster
    private static final double EVEN = 1.25; // longest to mean, up to which a batch's sequences are alike
    private static final int MOST_ROWS = 64; // more have been slower: their warps wait for each other
    private static final int CLUSTER_ROWS = 32; // what a cluster's CTAs are sent of more rows has no room
    private static final int WHOLE_TILE = 4 << 10; // bytes of 16 tokens of K or V: 16-bit types, head dim 128

    private final AttentionSpec spec;
    private final CudaDevice device;
    private final int rows;
    private final boolean general;
    private final long columns;
    private final int longest;
    private final boolean even;
    private final long bytes;

    private TensorTuning(AttentionSpec spec, BatchShape batch, IntPredicate members, CudaDevice device) {
        this.spec = spec;
        this.device = device;
        int maxQoLen = 1;
        long tokens = 0;
        int requests = 0;
        int most = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            if (batch.qoLen(i) > 0 && members.test(i)) {
                maxQoLen = Math.max(maxQoLen, batch.qoLen(i));
                most = Math.max(most, batch.kvLen(i));
                tokens += batch.kvLen(i);
                requests++;
            }
        }
        rows = rows(spec, maxQoLen);
        long tiles = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            tiles += members.test(i) ? Math.ceilDiv((long) batch.qoLen(i) * spec.groupSize(), rows) : 0;
        }
        columns = tiles * spec.numKvHeads();
        longest = most;
        even = requests == 0 || most <= EVEN * tokens / requests;
        bytes = tokens * spec.kvBytesPerToken();
        // The last row sees every token: a causal mask hides nothing from a request's only row.
        general = (spec.causal() && maxQoLen > 1) || spec.windowLeft() >= 0 || spec.logitsSoftCap() != 0
                || spec.alibi() || spec.kvQuantisation() == KvQuantisation.PER_HEAD;
    }

    /** Returns the rows of a tile for requests of so many query rows: the fewest that hold all, if that is not too many. */
    static int rows(AttentionSpec spec, int qoLen) {
        long queries = Math.max(1, (long) qoLen * spec.groupSize());
        int rows = TensorKernel.NARROW;
        while (rows < queries && rows < MOST_ROWS) {
            rows *= 2;
        }
        return rows;
    }

    /**
     * Returns the kernel for requests.
     *
     * @param members which requests of the batch
     * @param mayCluster whether parts may come in multiples of a cluster
     */
    static TensorKernel of(AttentionSpec spec, BatchShape batch, IntPredicate members, CudaDevice device,
            boolean mayCluster) {
        TensorTuning tuning = new TensorTuning(spec, batch, members, device);
        boolean clusters = mayCluster && device.computeCapability() >= DecodeKernel.CLUSTERS && tuning.even;
        return tuning.rows == TensorKernel.NARROW ? tuning.decode(clusters) : tuning.append(clusters);
    }

    /**
     * Returns the kernel for requests whose bits must not depend on their batch. Decode takes the warps of a middling load:
     * a full device loses 1 to 4 % to the kernels that fit it best, and a request alone a twentieth in place of half.
     *
     * @param full a batch that fills the device
     */
    static TensorKernel invariant(AttentionSpec spec, BatchShape full, CudaDevice device) {
        TensorTuning tuning = new TensorTuning(spec, full, request -> true, device);
        return switch (tuning.rows) {
            case TensorKernel.NARROW -> tuning.decode(8, 2, 3, 1);
            case TensorKernel.WARP_ROWS -> tuning.append(8, 1, 1);
            default -> tuning.append(false);
        };
    }

    private TensorKernel decode(boolean clusters) {
        int units = device.multiprocessors();
        // Large clusters leave multiprocessors unused: good as long as the merge is what takes the time.
        boolean small = bytes <= SMALL_BYTES;
        if (clusters && small && columns <= units / 16 - 1 && longest >= 16 * TOKENS_OF_A_CTA) {
            return decode(8, 1, 3, 16);
        }
        if (clusters && small && columns <= units / 8 - 2 && longest >= 8 * TOKENS_OF_A_CTA) {
            return decode(8, 1, 4, 8);
        }
        if (clusters && !small && columns <= units / 8 - 2) {
            return decode(12, 1, 3, 2);
        }
        if (even && columns <= units / 5) {
            return columns > units / 8 - 2 ? decode(16, 1, 3, 1) : decode(8, 1, 6, 1);
        }
        if (slotBytes() < WHOLE_TILE && even && columns > units * 3L / 4 && columns <= units) {
            return decode(4, 4, 3, 1);
        }
        if (clusters && columns > units / 3 && columns <= units / 2) {
            return decode(16, 1, 3, 2);
        }
        if (even && columns > units * 3L / 4 && columns <= units) {
            return decode(16, 1, 3, 1);
        }
        if (clusters && columns > units && columns <= 2L * units && longest > SHORT_TOKENS) {
            return decode(4, 4, 3, 2);
        }
        if (columns > 2L * units && (even || longest <= SHORT_TOKENS)) {
            return decode(4, 4, 3, 1);
        }
        return decode(8, 2, 3, 1);
    }

    /**
     * Returns a kernel of decode.cu with that many bytes under way, or as many as have room.
     *
     * @param slots of 4 KiB; smaller tiles get more of them
     */
    private TensorKernel decode(int warps, int ctas, int slots, int cluster) {
        int slotBytes = slotBytes();
        boolean wide = Math.max(spec.headDimQk(), spec.headDimVo()) > WIDE_DIM;
        int threads = wide ? Math.min(warps, 8) : warps;
        int together = wide && warps <= 8 ? Math.max(1, ctas / 2) : ctas;
        int ring = warps * ctas * slots * WHOLE_TILE / together;
        if (slotBytes < WHOLE_TILE) {
            ring = ring / 6 * 5; // more requests in flight than that only get in each other's way
        }
        return fitted(16, threads, together,
                Math.clamp(ring / (threads * slotBytes), 2, threads == 4 ? 3 : 8), 1,
                cluster);
    }

    /** Returns the bytes of a tile of decode.cu. */
    private int slotBytes() {
        return TensorKernel.slotBytes(16, spec.headDimQk(), spec.headDimVo(), spec.kDtype());
    }

    private TensorKernel append(boolean clusters) {
        int units = device.multiprocessors();
        boolean small = bytes <= SMALL_BYTES;
        if (clusters && rows <= CLUSTER_ROWS) {
            if (small && columns <= units / 16 - 1 && longest >= 16 * TOKENS_OF_A_CTA) {
                return rows == TensorKernel.WARP_ROWS ? append(4, 2, 16) : append(8, 1, 8);
            }
            if (small && columns <= units / 8 - 2 && longest >= 8 * TOKENS_OF_A_CTA) {
                return append(8, 1, 8);
            }
            if ((!small && columns <= units / 8 - 2) || (columns > units / 3 && columns <= units / 2)) {
                return append(8, 1, 2);
            }
        }
        return columns > units ? append(4, 2, 1) : append(8, 1, 1);
    }

    /** Returns a kernel of append.cu, or one like it that has room. */
    private TensorKernel append(int warps, int ctas, int cluster) {
        // Scores of a tile and the outputs of its rows are in registers.
        int tile = Math.max(spec.headDimQk(), spec.headDimVo()) > WIDE_DIM ? 16 : rows < MOST_ROWS ? 32 : 64;
        // Teams of two have half as many rings; where there is little to read, and no large cluster, they need more under way.
        int slots = rows == CLUSTER_ROWS && bytes <= SMALL_BYTES && cluster == 2 ? 5 : 3;
        return fitted(tile, warps, ctas, slots, rows / TensorKernel.WARP_ROWS, cluster);
    }

    private TensorKernel fitted(int tile, int warps, int ctas, int slots, int team, int cluster) {
        int threads = warps;
        int together = ctas;
        while (true) {
            for (int n = slots; n >= 2; n--) {
                TensorKernel kernel =
                        new TensorKernel(rows, spec.headDimQk(), spec.headDimVo(), spec.kDtype(),
                                threads, together, tile, n, cluster, general);
                if (kernel.fits(device.sharedMemoryPerMultiprocessor())) {
                    return kernel;
                }
            }
            if (together > 1) {
                together /= 2;
            } else if (threads / 2 >= team) {
                threads /= 2;
            } else {
                throw new IllegalStateException("no kernel of " + rows + " rows and head dims "
                        + spec.headDimQk()
                        + "/" + spec.headDimVo() + " fits in " + device.sharedMemoryPerMultiprocessor()
                        + " bytes of shared memory");
            }
        }
    }
}
