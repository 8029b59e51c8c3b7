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
    private static final int LONG_TOKENS = 8192;
    private static final int TOKENS_OF_A_CTA = 128; // a tile for each of eight warps: less is not worth a cluster
    private static final double EVEN = 1.25; // longest to mean, up to which a batch's sequences are alike

    private final AttentionSpec spec;
    private final CudaDevice device;
    private final int rows;
    private final boolean general;
    private long columns;
    private int longest;
    private boolean even;

    private TensorTuning(AttentionSpec spec, BatchShape batch, CudaDevice device) {
        this.spec = spec;
        this.device = device;
        int all = Math.max(1, batch.maxQoLen()) * spec.groupSize();
        int eighths = Math.ceilDiv(Math.min(all, MOST_ROWS), TensorKernel.WARP_ROWS);
        this.rows = (eighths == 3 ? 4 : eighths) * TensorKernel.WARP_ROWS;
        // The last row sees every token: a causal mask hides nothing from a request's only row.
        this.general = (spec.causal() && batch.maxQoLen() > 1) || spec.windowLeft() >= 0
                || spec.logitsSoftCap() != 0 || spec.alibi()
                || spec.kvQuantisation() == KvQuantisation.PER_HEAD;
        long tokens = 0;
        int requests = 0;
        for (int i = 0; i < batch.batchSize(); i++) {
            if (batch.qoLen(i) > 0) {
                columns += (long) Math.ceilDiv(batch.qoLen(i) * spec.groupSize(), rows) * spec.numKvHeads();
                longest = Math.max(longest, batch.kvLen(i));
                tokens += batch.kvLen(i);
                requests++;
            }
        }
        even = requests == 0 || longest <= EVEN * tokens / requests;
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
        int warps = longest > LONG_TOKENS ? 12 : 8;
        if (clusters && columns <= units / 16 - 1 && longest >= 16 * TOKENS_OF_A_CTA) {
            return fitted(rows > TensorKernel.WARP_ROWS ? 16 : warps, 1, warps == 8 ? 4 : 3, 16);
        }
        if (clusters && columns <= units / 8 - 2 && longest >= 8 * TOKENS_OF_A_CTA) {
            return fitted(rows > TensorKernel.WARP_ROWS ? 16 : warps, 1, warps == 8 ? 4 : 3, 8);
        }
        if (clusters && columns > units / 3 && columns <= units / 2) {
            return fitted(16, 1, 3, 2);
        }
        if (even && columns > units * 3L / 4 && columns <= units) {
            return fitted(16, 1, 3, 1);
        }
        if (rows == TensorKernel.WARP_ROWS && columns > 2L * units && (even || longest <= SHORT_TOKENS)) {
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
        int bytes = (warps * ctas * slots << 12) / together;
        while (true) {
            int rings = Math.max(1, threads / team);
            int most = threads == 4 ? 3 : 12;
            for (int n = Math.clamp(bytes / (rings * slotBytes), 2, most); n >= 2; n--) {
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
