package dev.heddle.backend.tensor.core;

import dev.heddle.core.attention.AttentionSpec;
import dev.heddle.core.attention.BatchShape;
import dev.heddle.core.attention.KvQuantisation;
import dev.heddle.cuda.CudaDevice;

/**
 * Which kernel a request takes. What decides is how many columns there are, tiles of rows that read the same KV, for the
 * multiprocessors at hand: few columns are cut into many parts, whose merge costs as much as the reading and is made by
 * clusters; many columns fill the device by themselves. The numbers are measured ones (docs/performance.md).
 */
final class TensorTuning {
    private static final int MOST_ROWS = 32;
    private static final int WIDE_DIM = 128; // longer heads take the registers of two threads
    private static final int CLUSTERS = 90; // first compute capability that has them
    private static final int SHORT_TOKENS = 2048;
    private static final long SMALL_BYTES = 48L << 20; // of KV
    private static final int WHOLE_TILE = 4 << 10; // bytes of K or V with 16-bit types and a head dim of 128
    private static final int TOKENS_OF_A_CTA = 128; // a tile for each of eight warps: less is not worth a cluster
    private static final double EVEN = 1.25; // longest to mean, up to which a batch's sequences are alike

    private final AttentionSpec spec;
    private final CudaDevice device;
    private final int rows;
    private final boolean general;
    private final long columns;
    private final int longest;
    private final boolean even;
    private final long bytes;

    private TensorTuning(AttentionSpec spec, BatchShape batch, CudaDevice device) {
        this.spec = spec;
        this.device = device;
        int queries = Math.max(1, batch.maxQoLen()) * spec.groupSize();
        int eighths = Math.ceilDiv(Math.min(queries, MOST_ROWS), TensorKernel.WARP_ROWS);
        this.rows = (eighths == 3 ? 4 : eighths) * TensorKernel.WARP_ROWS;
        // The last row sees every token: a causal mask hides nothing from a request's only row.
        this.general = (spec.causal() && batch.maxQoLen() > 1) || spec.windowLeft() >= 0
                || spec.logitsSoftCap() != 0 || spec.alibi()
                || spec.kvQuantisation() == KvQuantisation.PER_HEAD;
        long tokens = 0;
        int requests = 0;
        long tiles = 0;
        int most = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            if (batch.qoLen(i) > 0) {
                tiles += (long) Math.ceilDiv(batch.qoLen(i) * spec.groupSize(), rows) * spec.numKvHeads();
                most = Math.max(most, batch.kvLen(i));
                tokens += batch.kvLen(i);
                requests++;
            }
        }
        columns = tiles;
        longest = most;
        even = requests == 0 || most <= EVEN * tokens / requests;
        bytes = tokens * spec.kvBytesPerToken();
    }

    /**
     * Returns the kernel for a request.
     *
     * @param mayCluster whether parts may come in multiples of a cluster
     */
    static TensorKernel of(AttentionSpec spec, BatchShape batch, CudaDevice device, boolean mayCluster) {
        return new TensorTuning(spec, batch, device).choose(mayCluster);
    }

    private TensorKernel choose(boolean mayCluster) {
        int units = device.multiprocessors();
        boolean clusters = mayCluster && device.computeCapability() >= CLUSTERS && even;
        boolean narrow = rows == TensorKernel.WARP_ROWS;
        // Large clusters leave multiprocessors unused: good as long as the merge is what takes the time.
        boolean small = bytes <= SMALL_BYTES;
        if (clusters && small && columns <= units / 16 - 1 && longest >= 16 * TOKENS_OF_A_CTA) {
            return fitted(narrow ? 8 : 16, 1, 4, 16);
        }
        if (clusters && small && columns <= units / 8 - 2 && longest >= 8 * TOKENS_OF_A_CTA) {
            return fitted(narrow ? 8 : 16, 1, 4, 8);
        }
        if (clusters && !small && columns <= units / 8 - 2) {
            return fitted(narrow ? 12 : 16, 1, 3, 2);
        }
        if (even && columns <= units / 5) {
            return fitted(8, 1, 6, 1);
        }
        if (clusters && columns > units / 3 && columns <= units / 2) {
            return fitted(16, 1, 3, 2);
        }
        if (even && columns > units * 3L / 4 && columns <= units) {
            return fitted(16, 1, 3, 1);
        }
        if (narrow && clusters && columns > units && columns <= 2L * units && longest > SHORT_TOKENS) {
            return fitted(4, 4, 3, 2);
        }
        if (narrow && columns > 2L * units && (even || longest <= SHORT_TOKENS)) {
            return fitted(4, 4, 3, 1);
        }
        return fitted(8, 2, 3, 1);
    }

    /**
     * Returns a kernel with that many bytes under way, or as many as have room.
     *
     * @param slots of 4 KiB; smaller tiles get more of them
     */
    private TensorKernel fitted(int warps, int ctas, int slots, int cluster) {
        int slotBytes = TensorKernel.slotBytes(spec.headDimQk(), spec.headDimVo(), spec.kDtype());
        int team = rows / TensorKernel.WARP_ROWS;
        int share = Math.max(spec.headDimQk(), spec.headDimVo()) > WIDE_DIM ? 2 : 1;
        int threads = warps;
        int together = ctas;
        if (share > 1) { // registers
            if (warps > 8) {
                threads = 8;
            } else if (together > 1) {
                together /= 2;
            }
        }
        int ring = (warps * ctas * slots * WHOLE_TILE) / together;
        if (slotBytes < WHOLE_TILE || team > 1) {
            ring = ring / 6 * 5; // more requests in flight than that only get in each other's way
        }
        while (true) {
            int rings = Math.max(1, threads / team);
            int most = threads == 4 ? 3 : team == 1 ? 8 : 12;
            for (int n = Math.clamp(ring / (rings * slotBytes), 2, most); n >= 2; n--) {
                TensorKernel kernel =
                        new TensorKernel(rows, spec.headDimQk(), spec.headDimVo(), spec.kDtype(),
                                rings * team, together, n, cluster, general);
                if (kernel.fits(device.sharedMemoryPerMultiprocessor())) {
                    return kernel;
                }
            }
            if (together > 1) {
                together /= 2;
            } else if (threads > team) {
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
